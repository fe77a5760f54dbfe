#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes: scripts/fuzz.sh [SECONDS] [TARGET...]; 60 seconds each and all targets if nothing is said.
# Prints a line a target. What it finds, and the inputs that reach new code, stay in
# build/fuzz/TARGET/; it fails if it finds anything, and prints the stack and the input. FUZZ_JOBS
# targets run at a time (default 1); FUZZ_SEED makes the fuzzer's choices the same each time.
set -eu
cd "$(dirname "$0")/.."

seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi

scripts/packages.sh fuzz
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz >build/fuzz/build.log 2>&1 || {
  grep -E 'error|FAILED' build/fuzz/build.log >&2
  exit 1
}

known=(tests/fuzz/*_fuzz.cpp)
known=("${known[@]##*/}")
known=("${known[@]%_fuzz.cpp}")
[ $# -gt 0 ] || set -- "${known[@]}"
for target; do
  [ -x "build/fuzz/fuzz_$target" ] || {
    echo "fuzz.sh: no target '$target' (${known[*]})" >&2
    exit 2
  }
done

# The last value of libFuzzer's statistic $1 in the log $2.
stat_of() { sed -n "s/^stat::$1: *//p" "$2" | tail -1; }

# What libFuzzer says it covers ("cov: N"), at line $1 (sed's address) of those that say so.
coverage() { sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$2" | sed -n "${1}p"; }

fuzz() {
  local target=$1 dir=build/fuzz/$1 log=build/fuzz/$1/log code=0
  local extra=()
  # Its bookkeeping takes a third of the time where so much code is covered.
  [ "$target" != tree ] || extra=(-entropic=0)
  mkdir -p "$dir/found" "$dir/corpus"
  UBSAN_OPTIONS=print_stacktrace=1 nice -n 15 "build/fuzz/fuzz_$target" \
    -seed="${FUZZ_SEED:-0}" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2048 \
    -max_len=65536 -print_final_stats=1 "${extra[@]}" \
    -artifact_prefix="$dir/found/" "$dir/corpus" "tests/fuzz/corpus/$target" >"$log" 2>&1 || code=$?
  local first last
  first=$(coverage 1 "$log")
  last=$(coverage '$' "$log")
  printf '%-14s %9s runs %7s/s  coverage %5s (+%s)  %s\n' "$target" \
    "$(stat_of number_of_executed_units "$log")" "$(stat_of average_exec_per_sec "$log")" \
    "${last:-?}" "$((${last:-0} - ${first:-0}))" \
    "$([ "$code" -eq 0 ] && echo ok || echo "FOUND: see $log")"
  [ "$code" -eq 0 ] || show_found "$log" "$dir/found"
  return "$code"
}

# What the fuzzer says of its finding, and the inputs: where this runs, files may not be kept.
show_found() {
  grep -vE '^(INFO:|#[0-9]+[[:space:]]+(NEW|REDUCE|pulse|INITED|RELOAD))' "$1" | tail -60
  local file
  for file in "$2"/*; do
    [ -f "$file" ] || continue
    printf 'base64 of %s:\n' "$file"
    head -c 65536 "$file" | base64
  done
}

failed=0
running=0
for target; do
  if [ "$running" -ge "${FUZZ_JOBS:-1}" ]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
  fuzz "$target" &
  running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
  wait -n || failed=1
  running=$((running - 1))
done
exit "$failed"
