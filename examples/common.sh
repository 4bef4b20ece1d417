# What the examples share; each run.sh sources it.
#
#   begin "$@"        reads the arguments, finds the programs of the clone
#   need PROGRAM PKG  ends unless a program is there, naming its Debian package
#   need_port PORT    ends unless a port of 127.0.0.1 is free
#   soak_and_gate …   the soak with the flags given, then verify and gate; exits with gate's code

set -u

# Ctrl-C reaches soak as well, which finishes its iteration and writes down what it has.
trap 'exit 130' INT
trap 'exit 143' TERM

die() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit "${2:-4}"
}

need() {
  PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null ||
    die "$1 is missing; apt-get install $2"
}

need_port() {
  if (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
    die "port $1 of 127.0.0.1 is taken; PORT=N chooses another"
  fi
}

begin() {
  local usage="usage: bash examples/NAME/run.sh [--no-auto-tune] [RUN_DIRECTORY]"
  tune=(--auto-tune)
  out=""
  while (($# > 0)); do
    case $1 in
      --no-auto-tune) tune=() ;;
      -h | --help) echo "$usage" && exit 0 ;;
      -*) die "unknown flag $1; $usage" 2 ;;
      *) [[ -z $out ]] && out=$1 || die "one run directory is enough; $usage" 2 ;;
    esac
    shift
  done
  root="$(cd "$here/../.." && pwd)" || exit 4
  if [[ -z $out ]]; then
    cd "$root" || exit 4
    out="artifacts/examples/${here##*/}/latest"
  fi
  # The program itself, not the wrapper that npm installs: signals must reach it.
  local launcher=(deno)
  command -v deno >/dev/null || launcher=(npx -y deno@2.9.6)
  command -v "${launcher[0]}" >/dev/null || die "deno is missing; see https://deno.com"
  deno="$("${launcher[@]}" eval 'console.log(Deno.execPath())')" || exit 4
  state="$(mktemp -d)" || exit 4
  trap 'rm -rf "$state"' EXIT
}

soak() {
  "$deno" run --quiet --no-prompt --allow-read --allow-write --allow-run --allow-net=127.0.0.1 \
    --allow-env=NO_COLOR,SOAK_DEBUG,SOURCE_DATE_EPOCH,TERM "$root/main.ts" "$@"
}

soak_and_gate() {
  soak run --profile "$here/profile.json" --out "$out" ${tune[@]+"${tune[@]}"} "$@" || exit
  soak verify --strict --path "$out"
  soak gate --strict --prometheus --path "$out"
  exit
}
