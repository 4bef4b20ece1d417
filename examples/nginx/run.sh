#!/usr/bin/env bash
# Soaks nginx under load: bash examples/nginx/run.sh [--no-auto-tune] [RUN_DIRECTORY]
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/../common.sh"

begin "$@"
need nginx nginx
need wrk wrk
export STATE="$state" PORT="${PORT:-18080}"
need_port "$PORT"
soak_and_gate --service --iterations 12 --interval 0 --timeout 20 \
  --ready-url "http://127.0.0.1:$PORT/running" \
  --measure "$here/measure.sh" --reload-command "$here/reload.sh" \
  -- "$here/start.sh"
