#!/bin/sh
# Makes a running Redis use the runtime as it is now; fails if Redis refuses.
. "$(dirname "$0")/values.sh"
exec redis-cli -e -p "$PORT" config set \
  maxmemory "$(value maxmemory_mb)mb" maxmemory-policy "$(value maxmemory_policy)"
