#!/usr/bin/env bash
# Starts nginx under the runtime, in the foreground.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
set -eu

# A worker of an nginx that root starts is another user: it has to get at the page.
mkdir -p "$STATE/page"
for n in {1..100}; do
  echo "<p>Line $n of a page that nginx sends over and over, compressed or not.</p>"
done >"$STATE/page/index.html"
chmod 711 "$STATE"
chmod -R a+rX "$STATE/page"

render
exec nginx -p "$STATE/" -c nginx.conf -e stderr -g 'daemon off;'
