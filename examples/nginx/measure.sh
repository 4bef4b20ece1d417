#!/usr/bin/env bash
# Puts nginx under load for two seconds and writes down what came of it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
set -eu

# Connections and requests that nginx has handled so far.
handled() { page /status | sed -n '3s/^ *\([0-9]*\) [0-9]* \([0-9]*\).*/\1 \2/p'; }

read -r connections requests <<<"$(handled)"
load="$(wrk -t 1 -c 8 -d 2s --timeout 2s -s "$here/load.lua" "http://127.0.0.1:$PORT/")"
read -r connections_after requests_after <<<"$(handled)"
echo "$load"

kpis="$(sed -n 's/^kpis //p' <<<"$load")"
reconnects="$(awk -v c=$((connections_after - connections)) -v r=$((requests_after - requests)) \
  'BEGIN { printf "%.4f", c / r }')"

# Effective are the directives that nginx reads from its configuration, provided that its worker
# was started with this very configuration; otherwise what the worker says of its own.
dump="$(our_nginx -T 2>/dev/null)"
effective="$(page /running)"
if [[ $effective == "$(text_of_running "$dump")" ]]; then
  directive() { sed -n "s/^ *$1.*[ =]\([0-9]*\)\(r\/s\)\{0,1\};.*/\1/p" <<<"$dump"; }
  effective="limit_rate=$(directive limit_req_zone) limit_burst=$(directive 'limit_req zone')"
  effective+=" keepalive_requests=$(directive keepalive_requests)"
  effective+=" gzip=$(sed -n 's/^ *gzip \(o[nf]*\);/\1/p' <<<"$dump")"
else
  echo "the worker was not started with the configuration that nginx -T shows"
fi
echo "$effective"

# What is on or off for nginx is true or false in JSON.
params="$(sed 's/=on\b/=true/; s/=off\b/=false/; s/\([a-z_]*\)=\([a-z0-9]*\)/"\1":\2/g; s/ /,/g' \
  <<<"$effective")"
echo "{\"kpis\":{$kpis,\"reconnect_ratio\":$reconnects},\"effective_params\":{$params}}" \
  >"$SOAK_OUTPUT"
