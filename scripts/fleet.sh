#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Plans and diagnoses each snapshot of a directory, by as many processes as there are CPUs:
#   scripts/fleet.sh [-j JOBS] [-o OUTPUT] DIRECTORY [IRQTUNE-OPTION...]
# DIRECTORY holds one HOST.tar.gz or one tree HOST/ a host, as `irqtune snapshot -o` writes them. Written into
# OUTPUT (default fleet): fleet.jsonl, one line a host with its plan and its diagnosis; fleet.html and fleet.csv,
# worst hosts first. IRQTUNE-OPTIONs are given to each irqtune before the command. IRQTUNE: the program (default:
# the one in PATH).
# Exit code: 0, or 4 if a snapshot could not be read: its line says why.
set -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)

escaped() { # TEXT: as the inside of a JSON string
  local text=${1//[[:cntrl:]]/ }
  text=${text//\\/\\\\}
  printf '%s' "${text//\"/\\\"}"
}

# A JSON text's strings hold no newline, so a newline and the blanks after it are only its layout.
line_of() { sed -z 's/\n *//g' "$1"; }

one_host() { # SNAPSHOT: its line
  local name=${1%/}
  name=${name##*/}
  name=${name%.tar.gz}
  printf '{"host":"%s"' "$(escaped "$name")"
  if "$IRQTUNE" --root "$1" "${options[@]}" --json plan >"$scratch/plan" 2>"$scratch/error" &&
    "$IRQTUNE" --root "$1" "${options[@]}" --json diagnose >"$scratch/diagnosis" 2>"$scratch/error"; then
    printf ',"plan":'
    line_of "$scratch/plan"
    printf ',"diagnosis":'
    line_of "$scratch/diagnosis"
  else
    printf ',"error":"%s"' "$(escaped "$(head -n 1 "$scratch/error")")"
  fi
  printf '}\n'
}

# What xargs starts: some hosts, into a part of their own, since long lines of several writers would mix.
if [ "${1:-}" = --part ]; then
  parts=$2
  mapfile -d '' -t options <"$parts/options"
  shift 2
  scratch=$(mktemp -d "$parts/scratch.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  first=${1%/}
  for snapshot; do
    one_host "$snapshot"
  done >"$parts/${first##*/}.part"
  exit 0
fi

jobs=$(nproc) output=fleet
while getopts j:o: option; do
  case $option in
    j) jobs=$OPTARG ;;
    o) output=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
if [ $# -lt 1 ] || [ ! -d "$1" ]; then
  sed -n '3,9s/^# \?//p' "$0" >&2
  exit 2
fi
directory=$1
shift
IRQTUNE=${IRQTUNE:-$(command -v irqtune || true)}
[ -x "$IRQTUNE" ] || {
  echo "fleet.sh: no irqtune in PATH; set IRQTUNE to the program" >&2
  exit 2
}
export IRQTUNE
mkdir -p "$output"
parts=$(mktemp -d "$output/parts.XXXXXX")
trap 'rm -rf "$parts"' EXIT
[ $# -eq 0 ] || printf '%s\0' "$@" >"$parts/options"
[ -e "$parts/options" ] || : >"$parts/options"
find "$directory" -mindepth 1 -maxdepth 1 \( -name '*.tar.gz' -o -type d \) ! -name '.*' -print0 | sort -z |
  xargs -0 -r -n 64 -P "$jobs" "$here/fleet.sh" --part "$parts"
find "$parts" -name '*.part' -print0 | sort -z | xargs -0 -r cat >"$output/fleet.jsonl"
/usr/bin/python3 "$here/fleet_page.py" "$output/fleet.jsonl" "$output"
silent=$(grep -Ec '^\{"host":"([^"\\]|\\.)*","error":' "$output/fleet.jsonl" || true)
echo "$(wc -l <"$output/fleet.jsonl") hosts, $silent without an answer: $output/fleet.jsonl, fleet.html, fleet.csv"
[ "$silent" -eq 0 ] || exit 4
