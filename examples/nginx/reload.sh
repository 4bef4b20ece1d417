#!/usr/bin/env bash
# Makes nginx use the runtime as it is now; done once the old worker is gone, which would go on to
# answer under its own configuration for a moment.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
set -eu

worker() { cat "/proc/$SOAK_SERVICE_PID/task/$SOAK_SERVICE_PID/children"; }

render
our_nginx -t
# What a deployment without a reload looks like: the file is new, the worker is not.
[[ -z ${NO_RELOAD:-} ]] || exit 0
old="$(worker)"
our_nginx -s reload

for _ in {1..100}; do
  [[ $(worker) != *"$old"* ]] && exit 0
  sleep 0.05
done
echo "the worker $old does not end" >&2
exit 1
