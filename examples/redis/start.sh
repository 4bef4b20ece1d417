#!/bin/sh
# Starts Redis under the runtime, in the foreground.
. "$(dirname "$0")/values.sh"
exec redis-server --bind 127.0.0.1 --port "$PORT" --save '' \
  --maxmemory "$(value maxmemory_mb)mb" --maxmemory-policy "$(value maxmemory_policy)"
