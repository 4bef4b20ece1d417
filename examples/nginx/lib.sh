# What nginx's scripts share. run.sh exports STATE, nginx's prefix, and PORT.

PATH="$PATH:/usr/sbin"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

# Makes nginx.conf of the template and the runtime, which is one line of JSON.
render() {
  local key value edits=(-e "s/@port@/$PORT/g")
  value=off
  grep -q '"gzip":true' "$SOAK_RUNTIME" && value=on
  edits+=(-e "s/@gzip@/$value/g")
  for key in limit_rate limit_burst keepalive_requests; do
    value="$(sed -n 's/.*"'"$key"'":\([0-9]*\).*/\1/p' "$SOAK_RUNTIME")"
    edits+=(-e "s/@$key@/$value/g")
  done
  sed "${edits[@]}" "$here/nginx.conf.template" >"$STATE/nginx.conf.new"
  mv "$STATE/nginx.conf.new" "$STATE/nginx.conf"
}

# nginx with our configuration and nothing of the system's.
our_nginx() {
  nginx -p "$STATE/" -c nginx.conf -e stderr "$@"
}

# The body of one of its pages.
page() {
  exec 3<>"/dev/tcp/127.0.0.1/$PORT" || return
  printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&3
  sed '1,/^\r$/d' <&3
  exec 3<&-
}

# The text of /running in a configuration, as `nginx -T` prints it.
text_of_running() {
  sed -n 's/.*return 200 "\(.*\)\\n";.*/\1/p' <<<"$1"
}
