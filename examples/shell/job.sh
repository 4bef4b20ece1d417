#!/bin/sh
# The smallest system that can be soaked: a batch job that tells what it did.
set -eu

# Its parameter comes from the runtime, which is one line of JSON. BATCH overrides it, as a
# forgotten setting in somebody's environment would.
batch=${BATCH:-$(sed -n 's/.*"batch":\([0-9]*\).*/\1/p' "$SOAK_RUNTIME")}

# The job: 60 items, each process says how many it was given.
sizes=$(seq 60 | xargs -n "$batch" sh -c 'echo "$#"' sh)

# What it measured, and the batch size that the processes saw; not the one that it was told.
echo "$sizes" | awk '
  { items += $1 }
  $1 > largest { largest = $1 }
  END {
    printf "{\"kpis\":{\"processes\":%d,\"largest_share\":%.4f},", NR, largest / items
    printf "\"effective_params\":{\"batch\":%d}}\n", largest
  }' >"$SOAK_OUTPUT"
