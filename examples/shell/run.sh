#!/usr/bin/env bash
# Soaks job.sh: bash examples/shell/run.sh [--no-auto-tune] [RUN_DIRECTORY]
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/../common.sh"

begin "$@"
need awk mawk
soak_and_gate --exec --iterations 12 --timeout 10 -- sh "$here/job.sh"
