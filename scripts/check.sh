#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The checks beside the tests: scripts/check.sh [STEP...]; no STEP means all of them.
#   san      every test under the address and undefined-behaviour sanitizers
#   tidy     clang builds it, and clang-tidy finds nothing in src
#   tidy-tests  clang-tidy of the tests; slow, not part of the default run
#   format   clang-format would change nothing
#   layers   who may include whom (docs/ARCHITECTURE.md)
#   headers  each header compiles alone
#   scripts  shellcheck
#   monitoring  promtool takes the metrics of each captured host, and the alert rules
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C

sources() { git ls-files -co --exclude-standard '*.cpp' '*.h' '*.c'; }

san() {
  cmake --preset san >/dev/null
  cmake --build --preset san
  ctest --preset san
}

run_tidy() {
  git ls-files -co --exclude-standard "$@" |
    xargs -P "$(nproc)" -n 4 clang-tidy -p build/tidy --quiet 2>/dev/null
}

tidy() {
  cmake --preset tidy >/dev/null
  cmake --build --preset tidy
  run_tidy 'src/*.cpp'
}

tidy_tests() {
  ./scripts/packages.sh fuzz bench
  cmake --preset tidy >/dev/null
  run_tidy 'tests/*.cpp' ':!tests/fuzz' ':!tests/bench'
  cmake --preset fuzz >/dev/null
  git ls-files 'tests/fuzz/*.cpp' |
    xargs -P "$(nproc)" -n 4 clang-tidy -p build/fuzz --quiet 2>/dev/null
}

format() { sources | xargs clang-format --dry-run -Werror; }

layers() { python3 scripts/check_layers.py; }

headers() {
  sources | grep -E '^(include|src)/.*\.h$' | while read -r header; do
    "${CXX:-c++}" -std=c++20 -fsyntax-only -w -x c++ -Iinclude -Isrc "$header"
  done
}

scripts() {
  git ls-files -co --exclude-standard 'scripts/*.sh' 'findings/*.sh' 'tests/lab/*.sh' 'tests/top/*.sh' tests/lab/guest .ci/run \
    scripts/hooks scripts/deb/{postinst,prerm,postrm} scripts/completions/irqtune.bash |
    xargs shellcheck -x
}

# Debian's promtool comes with a server; only the program is wanted.
promtool_program() {
  command -v promtool && return
  local dir=$PWD/build/promtool
  [ -x "$dir/usr/bin/promtool" ] || {
    mkdir -p "$dir"
    (cd "$dir" && apt-get download -q prometheus >/dev/null && dpkg -x prometheus_*.deb . && rm prometheus_*.deb)
  }
  echo "$dir/usr/bin/promtool"
}

monitoring() {
  local promtool irqtune=build/dev/irqtune host out
  promtool=$(promtool_program)
  cmake --preset dev >/dev/null
  cmake --build --preset dev --target irqtune >/dev/null
  for host in tests/hosts/*.tar.gz; do
    "$irqtune" --root "$host" metrics | "$promtool" check metrics
  done
  # A doubled alert is told with the word and exit code 0.
  out=$(cd scripts/monitoring && "$promtool" check rules irqtune.rules.yml 2>&1 &&
    "$promtool" test rules irqtune.rules.test.yml 2>&1)
  echo "$out"
  ! grep -q FAILED <<<"$out"
}

scripts/packages.sh test lint
[ $# -gt 0 ] || set -- format layers headers scripts monitoring san tidy
for step; do
  printf '== %s\n' "$step"
  case $step in
    san) san ;;
    tidy) tidy ;;
    tidy-tests) tidy_tests ;;
    format) format ;;
    layers) layers ;;
    headers) headers ;;
    scripts) scripts ;;
    monitoring) monitoring ;;
    *)
      echo "check.sh: unknown step '$step'" >&2
      exit 2
      ;;
  esac
done
