#!/usr/bin/env bash
# Runs every example twice, tuned and not, and tells whether the gate passed and failed as it must.
# Takes four minutes and needs the Debian packages redis-server, nginx, wrk and prometheus.
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/common.sh"
need redis-server redis-server
need nginx nginx
need wrk wrk
need prometheus prometheus

failed=0
logs="$(mktemp -d)"
trap 'rm -rf "$logs"' EXIT

check() {
  local wanted=$1 found
  shift
  bash "$here/$1/run.sh" "${@:2}" >"$logs/out" 2>&1
  found=$?
  ((found < 128)) || exit "$found"
  if ((found == wanted)); then
    echo "ok: $* exits with $found"
  else
    echo "FAILED: $* exits with $found instead of $wanted; it printed:"
    cat "$logs/out"
    failed=1
  fi
}

for example in shell redis nginx prometheus; do
  check 0 "$example"
  check 1 "$example" --no-auto-tune
done
exit "$failed"
