#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds irqtune as one file for any x86-64 Linux, build/static/irqtune, and tries it:
#   scripts/static.sh [STEP...]; no STEP means build, file, chroot, kernel, same
#   build   cmake --preset static, then stripped
#   file    it needs no library and no loader, and holds nothing that would load one
#   chroot  it works in a directory with nothing but itself and a captured tree (root, or user namespaces)
#   kernel  it works where system calls newer than Linux 3.10 do not exist
#   same    it prints what the dynamic one prints of each captured host, but for the names of devices
#   cost    start-up, size and memory beside the dynamic one (docs/performance.md)
#   tests   every unit test, linked the same way; long
set -eu -o pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C

program=build/static/irqtune
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "static.sh: FAILED: $*" >&2
  exit 1
}

build() {
  scripts/packages.sh static
  cmake --preset static >/dev/null
  cmake --build --preset static
  strip "$program"
}

file_step() {
  file "$program"
  ls -l "$program"
  if readelf -l "$program" | grep -q INTERP || readelf -d "$program" | grep -q NEEDED; then
    fail "it needs a loader or a library"
  fi
  # The linker's warnings about such functions are errors (CMakeLists.txt); that is seen here again.
  if nm -C build/static/libirqtune_lib.a 2>/dev/null | grep -E ' U (dlopen|dlsym|getpw|getgr|getaddrinfo)'; then
    fail "it calls what loads libraries of the machine"
  fi
}

# Each command that reads, and apply and rollback, with the program that the arguments run.
round() { # TREE PROGRAM...
  local tree=$1
  shift
  local command
  "$@" --version
  for command in show 'show topology' 'show irqs' plan check diagnose measure top metrics history; do
    # shellcheck disable=SC2086
    "$@" --root "$tree" $command >"$work/out" 2>"$work/err" || [ "$?" -eq 3 ] ||
      fail "$command: $(head -3 "$work/err")"
    [ "$command" = history ] || [ -s "$work/out" ] || fail "$command printed nothing"
  done
  "$@" --root "$tree" apply >"$work/out" || fail "apply: $(tail -3 "$work/out")"
  grep -q '^Applied' "$work/out" || fail "apply says: $(head -3 "$work/out")"
  "$@" --root "$tree" check >/dev/null || fail "check after apply: exit code $?"
  "$@" --root "$tree" rollback >/dev/null || fail "rollback: exit code $?"
  timeout -s INT 5 "$@" --root "$tree" watch >"$work/out" 2>&1 || true
  grep -q '^irqtune: stopped; [1-9][0-9]* masks stay' "$work/out" || fail "watch says: $(tail -3 "$work/out")"
  "$@" --root "$tree" report -o "$tree/page.html" >/dev/null || fail "report: exit code $?"
}

unpack() { # DIRECTORY: a captured host in it
  mkdir -p "$1"
  tar -xzf tests/hosts/two-vms.tar.gz -C "$1"
}

# As root of its own user namespace where the caller is none.
chroot_step() {
  local jail=$work/jail as=() jailed
  [ "$(id -u)" -eq 0 ] || as=(--map-root-user)
  jailed=(unshare "${as[@]}" --mount chroot "$jail" /irqtune)
  unpack "$jail/tree"
  cp "$program" tests/hosts/two-vms.tar.gz "$jail/"
  round /tree "${jailed[@]}" | sed 's/^/chroot: /'
  "${jailed[@]}" --root /two-vms.tar.gz plan --json | grep -q '"irqtune.plan/1"' || fail "a snapshot file"
  "${jailed[@]}" --root /tree snapshot -o /again.tar.gz || fail "snapshot: exit code $?"
  "${jailed[@]}" --root /again.tar.gz show >/dev/null || fail "its own snapshot file"
  echo "chroot: it reads, plans, applies, rolls back, watches, and reads and writes snapshot files"
}

kernel_step() {
  cc -O -Wall -Wextra -Werror -o "$work/old_kernel" tests/static/old_kernel.c
  unpack "$work/tree"
  round "$work/tree" "$work/old_kernel" "$program" | sed 's/^/Linux 3.10: /'
  "$work/old_kernel" "$program" --root tests/hosts/two-vms.tar.gz show >/dev/null || fail "a snapshot file"
  echo "Linux 3.10: it does without later system calls"
}

dynamic() {
  cmake --preset release >/dev/null
  cmake --build --preset release --target irqtune >/dev/null
}

same_step() {
  dynamic
  local host command
  for host in tests/hosts/*.tar.gz; do
    for command in 'show topology' 'show vms' plan 'plan --json' check diagnose top metrics; do
      # shellcheck disable=SC2086
      build/release/irqtune --root "$host" $command >"$work/dynamic" 2>&1 || true
      # shellcheck disable=SC2086
      "$program" --root "$host" $command >"$work/static" 2>&1 || true
      cmp -s "$work/dynamic" "$work/static" || fail "$host: $command differs: $(diff "$work/dynamic" "$work/static")"
    done
  done
  echo "same: what it prints of $(find tests/hosts -name '*.tar.gz' | wc -l) hosts is the dynamic one's"
}

# Mean over 500 starts, with the shell's own forks; the memory is of one run.
cost_step() {
  dynamic
  strip -o "$work/irqtune" build/release/irqtune
  local one name
  printf '%-8s %9s %12s %12s %14s %14s\n' '' 'bytes' '--version' 'plan' 'RSS --version' 'RSS plan'
  for name in dynamic static; do
    one=$work/irqtune
    [ "$name" = dynamic ] || one=$program
    printf '%-8s %9s %9s ms %9s ms %11s kB %11s kB\n' "$name" "$(stat -c %s "$one")" \
      "$(cpu_ms 500 "$one" --version)" "$(cpu_ms 100 "$one" --root "$work/tree" plan)" \
      "$(/usr/bin/time -f %M "$one" --version 2>&1 >/dev/null)" \
      "$(/usr/bin/time -f %M "$one" --root "$work/tree" plan 2>&1 >/dev/null | tail -1)"
  done
}

cpu_ms() { # TIMES PROGRAM ARGUMENT...: CPU time of one run
  local times=$1
  shift
  # shellcheck disable=SC2016
  /usr/bin/time -f '%U %S' bash -c 'n=$1; shift; for ((i = 0; i < n; ++i)); do "$@" >/dev/null 2>&1; done' \
    bash "$times" "$@" 2>&1 | awk -v n="$times" '{printf "%.2f", ($1 + $2) * 1000 / n}'
}

tests_step() {
  cmake --preset static -B build/static-tests -DBUILD_TESTING=ON >/dev/null
  cmake --build build/static-tests --target irqtune_tests
  build/static-tests/irqtune_tests
}

[ $# -gt 0 ] || set -- build file chroot kernel same
for step; do
  printf '== static %s\n' "$step"
  case $step in
    build) build ;;
    file) file_step ;;
    chroot) chroot_step ;;
    kernel) kernel_step ;;
    same) same_step ;;
    cost)
      unpack "$work/tree"
      cost_step
      ;;
    tests) tests_step ;;
    *)
      echo "static.sh: unknown step '$step'" >&2
      exit 2
      ;;
  esac
done
