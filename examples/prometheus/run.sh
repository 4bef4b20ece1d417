#!/usr/bin/env bash
# Soaks service.ts by what Prometheus knows of it:
# bash examples/prometheus/run.sh [--no-auto-tune] [RUN_DIRECTORY]
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/../common.sh"

begin "$@"
need prometheus prometheus
port="${PORT:-18081}"
prometheus_port=$((port + 1))
need_port "$port"
need_port "$prometheus_port"

helpers=()
trap 'kill "${helpers[@]}" 2>/dev/null; wait "${helpers[@]}" 2>/dev/null; rm -rf "$state"' EXIT

# Both have an end of their own, should this script be killed.
sed "s/@port@/$port/" "$here/prometheus.yml.template" >"$state/prometheus.yml"
timeout 180 prometheus --config.file="$state/prometheus.yml" --storage.tsdb.path="$state/data" \
  --web.listen-address="127.0.0.1:$prometheus_port" --log.level=error &
helpers+=($!)
"$deno" run --quiet --allow-net="127.0.0.1:$port" "$here/load.ts" "$port" &
helpers+=($!)

# Whether Prometheus has looked for the service yet, which takes it some seconds.
has_looked() {
  exec 3<>"/dev/tcp/127.0.0.1/$prometheus_port" || return
  printf 'GET /api/v1/query?query=up HTTP/1.0\r\n\r\n' >&3
  grep -q '"__name__":"up"' <&3
}
until has_looked 2>/dev/null; do
  kill -0 "${helpers[0]}" 2>/dev/null || die "prometheus did not start"
  sleep 0.2
done

soak_and_gate --service --iterations 12 --interval 4 --retries 1 \
  --ready-url "http://127.0.0.1:$port/metrics" --reload-signal SIGHUP \
  --prometheus-url "http://127.0.0.1:$prometheus_port" \
  -- "$deno" run --quiet --allow-net="127.0.0.1:$port" --allow-env=SOAK_RUNTIME \
  --allow-read="$out" "$here/service.ts" "$port"
