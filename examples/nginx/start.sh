#!/usr/bin/env bash
# Starts nginx under the runtime, in the foreground.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
set -eu

render
exec nginx -p "$STATE/" -c nginx.conf -e stderr -g 'daemon off;'
