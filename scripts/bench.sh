#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures irqtune beside its peers on made-up hosts, and prints a table of what docs/performance.md
# promises: scripts/bench.sh [--against IRQTUNE] [INTERRUPTS]
#   --against IRQTUNE  also the same runs with another build of irqtune, as ratios to it, and nothing else
#   INTERRUPTS         another host's /proc/interrupts, in place of the made-up one of 1152 CPUs
# IRQTUNE_BENCH_BUILD names a directory with a build to measure, which is then not built first.
# Needs root, or a kernel that lets users have namespaces: lsirq reads nothing but /proc/interrupts,
# so that the table is mounted over it, where no other process sees it. Ends with 1 if a promise is
# not kept.
set -eu
against=
if [ "${1-}" = --against ]; then
  against=$(realpath "${2:?--against needs a program}")
  shift 2
fi
table=${1:+$(realpath "$1")}
cd "$(dirname "$0")/.."

build=${IRQTUNE_BENCH_BUILD:-}
if [ -z "$build" ]; then
  build=build/bench
  scripts/packages.sh bench
  cmake --preset bench >/dev/null
  cmake --build --preset bench
fi
trees=$(mktemp -d)
trap 'rm -rf "$trees"' EXIT

echo "Making hosts in $trees"
if [ -n "$table" ]; then
  mkdir -p "$trees/table/proc"
  cp "$table" "$trees/table/proc/interrupts"
else
  scripts/make_host.py "$trees/table" --cpus 1152 --irqs 1034 --only-interrupts
fi
sizes='64 512 1152' counts='512 1034 8192'
if [ -n "$against" ]; then
  sizes=512 counts=8192
fi
for cpus in $sizes; do
  for irqs in $counts; do
    scripts/make_host.py "$trees/${cpus}x$irqs" --cpus "$cpus" --irqs "$irqs" --nonzero 0.5
  done
done

private=(unshare --mount)
[ "$(id -u)" -eq 0 ] || private=(unshare --map-root-user --mount)
# shellcheck disable=SC2016 # $1 and $@ are the inner shell's.
"${private[@]}" sh -c 'mount --bind "$1/table/proc/interrupts" /proc/interrupts && shift && exec "$@"' \
  sh "$trees" /usr/bin/python3 tests/bench/measure.py "$build" "$trees" ${against:+"$against"}
