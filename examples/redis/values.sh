# What the scripts share: the port, and a parameter's value in the runtime, which is one line of JSON.
PORT="${PORT:-6390}"
value() { sed -n 's/.*"'"$1"'":"*\([^",}]*\).*/\1/p' "$SOAK_RUNTIME"; }
