#!/usr/bin/env bash
# Soaks Redis as a cache: bash examples/redis/run.sh [--no-auto-tune] [RUN_DIRECTORY]
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/../common.sh"

begin "$@"
need redis-server redis-server
export PORT="${PORT:-6390}"
need_port "$PORT"
soak_and_gate --service --iterations 12 --interval 0 --timeout 20 \
  --ready-tcp "127.0.0.1:$PORT" --measure "'$here/measure.sh' 2" \
  --reload-command "$here/apply.sh" -- "$here/start.sh"
