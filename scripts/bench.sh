#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures irqtune beside its peers on made-up hosts, and prints a table of what docs/performance.md
# promises: scripts/bench.sh [INTERRUPTS]
#   INTERRUPTS  another host's /proc/interrupts, in place of the made-up one of 1152 CPUs
# Needs root, or a kernel that lets users have namespaces: lsirq reads nothing but /proc/interrupts,
# so that the table is mounted over it, where no other process sees it. Ends with 1 if a promise is
# not kept.
set -eu
table=${1:+$(realpath "$1")}
cd "$(dirname "$0")/.."

scripts/packages.sh bench
cmake --preset bench >/dev/null
cmake --build --preset bench
trees=$(mktemp -d)
trap 'rm -rf "$trees"' EXIT

echo "Making hosts in $trees"
if [ -n "$table" ]; then
  mkdir -p "$trees/table/proc"
  cp "$table" "$trees/table/proc/interrupts"
else
  scripts/make_host.py "$trees/table" --cpus 1152 --irqs 1034 --only-interrupts
fi
for cpus in 64 512 1152; do
  for irqs in 512 1034 8192; do
    scripts/make_host.py "$trees/${cpus}x$irqs" --cpus $cpus --irqs $irqs --nonzero 0.5
  done
done

private=(unshare --mount)
[ "$(id -u)" -eq 0 ] || private=(unshare --map-root-user --mount)
# shellcheck disable=SC2016 # $1 and $@ are the inner shell's.
"${private[@]}" sh -c 'mount --bind "$1/table/proc/interrupts" /proc/interrupts && shift && exec "$@"' \
  sh "$trees" /usr/bin/python3 tests/bench/measure.py build/bench "$trees"
