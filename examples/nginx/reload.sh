#!/usr/bin/env bash
# Makes nginx use the runtime as it is now; done once the new workers answer.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
set -eu

render
our_nginx -t
# What a deployment without a reload looks like: the file is new, the workers are not.
[[ -z ${NO_RELOAD:-} ]] || exit 0
our_nginx -s reload

wanted="$(text_of_running "$(<"$STATE/nginx.conf")")"
for _ in {1..50}; do
  [[ $(page /running) == "$wanted" ]] && exit 0
  sleep 0.1
done
echo "nginx still runs with $(page /running), not $wanted" >&2
exit 1
