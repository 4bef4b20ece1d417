#!/bin/sh
# Cache traffic for some seconds, most of it for few keys; then what Redis counted, and the
# configuration that Redis says it runs with: measure.sh [SECONDS]
set -e
. "$(dirname "$0")/values.sh"
redis() { redis-cli -e -p "$PORT" "$@" | tr -d '\r'; }
config() { redis config get "$1" | tail -n 1; }
counted() { redis info stats | sed -n "s/^$1://p"; }

redis config resetstat
timeout "${1:-2}" redis-cli -p "$PORT" --lru-test 100000 >/dev/null || [ $? -eq 124 ]
hits="$(counted keyspace_hits)" misses="$(counted keyspace_misses)"
p99="$(redis info latencystats | sed -n 's/^latency_percentiles_usec_get:.*p99=\([0-9.]*\),.*/\1/p')"

awk -v hits="$hits" -v misses="$misses" -v p99="$p99" \
  -v bytes="$(config maxmemory)" -v policy="$(config maxmemory-policy)" 'BEGIN {
  printf "{\"kpis\": {\"hit_ratio\": %.4f, \"p99_us\": %s},", hits / (hits + misses), p99
  printf " \"effective_params\": {\"maxmemory_mb\": %s,", bytes / 1048576
  printf " \"maxmemory_policy\": \"%s\"}}\n", policy
}' >"$SOAK_OUTPUT"
