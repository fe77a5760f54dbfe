#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What CI's time cannot hold: scripts/nightly.sh [STEP...]; no STEP means all of them, some hours.
#   tests         every test (scripts/test.sh)
#   check         sanitizers, linters, alert rules (scripts/check.sh)
#   static        the static program: what it is, in an empty chroot, as on Linux 3.10, what it costs
#   static-tests  the unit tests, linked as it is
#   package       the Debian package, lintian, and its life in a Debian of its own
#   rpm           the static program as an .rpm
#   ansible       the role, by the real Ansible over ssh
#   crash         10,000 kills at system calls
#   fuzz          an hour, all targets
#   tidy-tests    clang-tidy of the tests
#   bench         speed and size beside peers
#   watch         what a watch costs in ten idle minutes, and whether 10,000 reboots of guests make it grow
#   lab           every scenario, on real kernels, systemd's too
#   lab-newest    two VMs, on Debian's newest kernel of today
# A step that fails does not stop the others. Each has its log in build/nightly/, or where
# IRQTUNE_NIGHTLY_DIR says; the summary at the end, one page, is there too. Exit code 1 if a step failed.
# IRQTUNE_NIGHTLY_FUZZ: seconds of fuzzing (3600); IRQTUNE_NIGHTLY_CRASHES: kills (10000).
set -u
cd "$(dirname "$0")/.." || exit 2
export LC_ALL=C

readonly known=(tests check static static-tests package rpm ansible crash fuzz tidy-tests bench watch lab lab-newest)
readonly skipped=77
logs=${IRQTUNE_NIGHTLY_DIR:-build/nightly}

crash() {
  cmake --preset dev >/dev/null && cmake --build --preset dev --target irqtune irqtune_crash &&
    IRQTUNE_CRASH_CASES=${IRQTUNE_NIGHTLY_CRASHES:-10000} ctest --test-dir build/dev -R '^crash$' -V
}

package() {
  scripts/package.sh && tests/package/package_test.sh build/package/irqtune_*.deb
}

ansible() {
  scripts/packages.sh fleet package &&
    cmake --preset dev >/dev/null && cmake --build --preset dev --target irqtune &&
    tests/ansible/ansible_test.sh build/dev/irqtune
}

watch() {
  cmake --preset release >/dev/null && cmake --build --preset release --target irqtune &&
    python3 tests/bench/watch.py build/release/irqtune idle 600 &&
    python3 tests/bench/watch.py build/release/irqtune reboots 10000
}

# The time is all targets' together.
fuzz() {
  local targets jobs
  targets=$(find tests/fuzz -name '*_fuzz.cpp' | wc -l)
  jobs=$(nproc)
  FUZZ_JOBS=$jobs scripts/fuzz.sh "$((${IRQTUNE_NIGHTLY_FUZZ:-3600} * jobs / targets))"
}

run() { # STEP
  case $1 in
    tests) scripts/test.sh ;;
    check) scripts/check.sh ;;
    static) scripts/static.sh build file chroot kernel same cost ;;
    static-tests) scripts/static.sh tests ;;
    package) package ;;
    rpm) scripts/package.sh rpm ;;
    ansible) ansible ;;
    crash) crash ;;
    fuzz) fuzz ;;
    tidy-tests) scripts/check.sh tidy-tests ;;
    bench) scripts/bench.sh ;;
    watch) watch ;;
    lab) scripts/lab.sh all ;;
    lab-newest) scripts/lab.sh --kernel newest 1- ;;
  esac
}

# The figures that the log of a step ends with, for the summary.
figures_of() { # STEP
  local log=$logs/$1.log
  case $1 in
    tests | crash) grep -E 'tests passed|tests failed' "$log" | tail -1 ;;
    static) grep -E '^(dynamic|static) +[0-9]' "$log" | tr -s ' ' ;;
    static-tests) tail -1 "$log" ;;
    watch) grep -E 'of a CPU|reboots:' "$log" | sed -n '1p;$p' ;;
    fuzz) grep -cE ' runs ' "$log" | sed 's/$/ targets/' ;;
    lab | lab-newest) grep -cE '^PASS ' "$log" | sed 's/$/ scenarios passed/' ;;
  esac
}

summary() {
  local step result seconds
  printf 'irqtune nightly, %s, %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(git describe --always --dirty 2>/dev/null)"
  printf '%s, Linux %s, %s CPUs\n\n' "$(uname -m)" "$(uname -r)" "$(nproc)"
  for step in "${done_steps[@]}"; do
    result=${results[$step]} seconds=${times[$step]}
    printf '%-13s %-8s %3d:%02d min\n' "$step" "$result" "$((seconds / 60))" "$((seconds % 60))"
    figures_of "$step" | sed 's/^/              /'
    [ "$result" = ok ] || tail -12 "$logs/$step.log" | cut -c1-160 | sed 's/^/    | /'
  done
  for step in "${known[@]}"; do
    [ -n "${results[$step]-}" ] || printf '%-13s not asked for\n' "$step"
  done
  printf '\nlogs: %s\n' "$logs"
}

wanted=("$@")
[ $# -gt 0 ] || wanted=("${known[@]}")
for step in "${wanted[@]}"; do
  [[ " ${known[*]} " == *" $step "* ]] || {
    echo "nightly.sh: unknown step '$step' (${known[*]})" >&2
    exit 2
  }
done

mkdir -p "$logs" || exit 2
declare -A results=() times=()
done_steps=()
failed=0
for step in "${wanted[@]}"; do
  printf '== %s, log: %s\n' "$step" "$logs/$step.log"
  start=$SECONDS code=0
  run "$step" >"$logs/$step.log" 2>&1 </dev/null || code=$?
  case $code in
    0) results[$step]=ok ;;
    "$skipped") results[$step]=SKIPPED ;;
    *)
      results[$step]=FAILED
      failed=1
      ;;
  esac
  times[$step]=$((SECONDS - start))
  done_steps+=("$step")
done

summary | tee "$logs/summary.txt"
exit "$failed"
