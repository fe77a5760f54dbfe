#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs irqtune on real kernels, in an emulated KVM host (docs/lab.md).
#   scripts/lab.sh [--kernel 6.1|6.12|newest] [SCENARIO...]
#     SCENARIO   a name or how it starts (1, 4a, 4); `list` prints them; `all` (the default) runs each;
#                `ci` runs 1, 3, 4a, 4b and 9-watch on kernel 6.1, and 1 on 6.12
#     --kernel   default: what the scenario asks for, else 6.1; newest: Debian's newest, as the package lists
#                say today
# Environment: IRQTUNE_LAB_DIR, where all that is downloaded and built goes (default /tmp/irqtune-lab);
# IRQTUNE, a binary to test (default: a release build of this tree); IRQTUNE_DEB, the package for 11-systemd
# (default: scripts/package.sh makes one); IRQTUNE_LAB_PATIENCE, a whole number that the scenarios' time limits
# are multiplied by, for a busy machine (default 1).
# Exit code: 0 all passed, 1 something failed, 2 bad usage, 77 the lab cannot be set up here.
set -u
cd "$(dirname "$0")/.." || exit 2
# shellcheck source=tests/lab/env.sh
. tests/lab/env.sh

kernel='' results=() failed=0

usage() {
  sed -n '3,13s/^# \?//p' scripts/lab.sh
  exit "$1"
}

skip() {
  echo "lab.sh: SKIPPED, NOTHING WAS TESTED: $*" >&2
  exit "$LAB_SKIPPED"
}

scenarios() { # [START...]: their files
  local file start
  for file in tests/lab/scenarios/*.sh; do
    [[ $file != *.host.sh ]] || continue
    for start in "${@:-}"; do
      if [[ $(basename "$file") == "$start"* ]]; then
        echo "$file"
        break
      fi
    done
  done
}

# The first sentence of the comment at the top of a scenario.
summary_of() { # FILE
  awk '/^# (SPDX|shellcheck|lab:)/ {next} !/^# / {if (text) exit; next} {text = text substr($0, 2)}
    END {sub(/[.:] .*|[.]$/, "", text); print substr(text, 2)}' "$1"
}

list() {
  local file
  for file in $(scenarios); do
    printf '%-20s %s\n' "$(basename "$file" .sh)" "$(summary_of "$file")"
  done
}

prepare() {
  scripts/packages.sh lab || skip "packages are missing"
  program=${IRQTUNE:-build/release/irqtune}
  [ -n "${IRQTUNE-}" ] || {
    cmake --preset release >/dev/null && cmake --build --preset release --target irqtune >/dev/null
  } || exit 1
  strip -o "$LAB_TMP/build/irqtune" "$program" || exit 1
  echo "Testing $("$LAB_TMP/build/irqtune" --version | head -1) on emulated hosts; files are in $LAB_TMP"
}

# The package that is installed under systemd.
package() {
  [ -z "${IRQTUNE_DEB-}" ] || return 0
  scripts/packages.sh package && scripts/package.sh >"$LAB_TMP/out/package.log" 2>&1 || return 1
  IRQTUNE_DEB=$(ls "$PWD"/build/package/irqtune_*.deb)
  export IRQTUNE_DEB
}

# The options of boot.sh that a scenario asks for: "# lab: --OPTION REST OF LINE".
options_of() { # FILE
  sed -n 's/^# lab: //p' "$1" | while read -r option value; do
    printf '%s\n%s\n' "$option" "$value"
  done
}

# The part of a scenario that runs here, on the files that it left.
on_host() { # FILE OUT
  local script=${1%.sh}.host.sh
  [ -e "$script" ] || return 0
  IRQTUNE=$LAB_TMP/build/irqtune "$script" "$2/files" 2>&1 | tee -a "$2/script.log"
  return "${PIPESTATUS[0]}"
}

report() { # LINE
  echo "$1"
  results+=("$1")
}

run_once() { # FILE OUT OPTION...
  local file=$1 out=$2 status=0
  shift 2
  rm -f "$out/script.log"
  tests/lab/boot.sh "$@" --bin "$LAB_TMP/build/irqtune:/usr/bin/irqtune" --bin /usr/bin/jq --out "$out" "$file" ||
    status=$?
  grep -E '^\[[0-9. ]+\] ' "$out/script.log" 2>/dev/null
  [ "$status" != 0 ] || on_host "$file" "$out" || status=1
  return "$status"
}

run() { # FILE [KERNEL]
  local file=$1 on=${2:-$kernel} name options out status tries start=$SECONDS
  name=$(basename "$file" .sh)
  mapfile -t options < <(options_of "$file")
  [[ " ${options[*]} " != *" --with systemd "* ]] || package || skip "the package cannot be made"
  [ -n "$on" ] || on=$(sed -n 's/^# lab: --kernel //p' "$file")
  on=${on:-6.1}
  out=$LAB_TMP/out/$name-$on
  mkdir -p "$out"
  printf '== %s on kernel %s\n' "$name" "$on"
  # Before the script began, a crash of the emulation cannot hide anything: two more tries. Else one.
  for tries in 2 1 0; do
    status=0
    run_once "$file" "$out" "${options[@]}" --kernel "$on" || status=$?
    [ ! -s "$out/script.log" ] || tries=$((tries - 1))
    if [ "$status" != "$LAB_CRASHED" ] || [ "$tries" -le 0 ]; then
      break
    fi
    echo "lab.sh: the emulation failed, which says nothing about irqtune: trying $name again" >&2
  done
  case $status in
    0) report "PASS $name on $on, $((SECONDS - start)) s" ;;
    "$LAB_SKIPPED") skip "$name on $on needs what cannot be had here" ;;
    *)
      report "FAIL $name on $on, $((SECONDS - start)) s, status $status; see $out"
      failed=1
      ;;
  esac
}

main() {
  local chosen=() file start
  while [ $# -gt 0 ]; do
    case $1 in
      --kernel)
        kernel=${2-}
        [[ " 6.1 6.12 newest " == *" $kernel "* ]] || usage 2 >&2
        shift 2
        ;;
      -h | --help) usage 0 ;;
      -*) usage 2 >&2 ;;
      *) break ;;
    esac
  done
  if [ "${1-}" = list ]; then
    list
    exit 0
  fi
  if [ "${1:-all}" != all ] && [ "$1" != ci ]; then
    for start; do
      mapfile -t -O "${#chosen[@]}" chosen < <(scenarios "$start" | grep . || echo "none: $start")
    done
    for file in "${chosen[@]}"; do
      [ -e "$file" ] || {
        echo "lab.sh: no scenario '${file#none: }'; there are:" >&2
        list >&2
        exit 2
      }
    done
  else
    mapfile -t chosen < <(if [ "${1-}" = ci ]; then scenarios 1- 3- 4a 4b 9-; else scenarios; fi)
  fi

  exec 9>"$LAB_TMP/lock"
  flock -n 9 || {
    echo "lab.sh: another lab is running; waiting for it to end" >&2
    flock 9
  }
  prepare
  for file in "${chosen[@]}"; do
    run "$file"
  done
  [ "${1-}" != ci ] || run "$(scenarios 1-)" 6.12
  printf '\n== Result\n'
  printf '%s\n' "${results[@]}"
  exit "$failed"
}

# All of it is read before it runs, so that an edit cannot disturb a run.
main "$@"
