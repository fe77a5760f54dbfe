#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds irqtune, and shows a plan: for a bundled captured host, and for
# this machine if it has passthrough devices. Changes no interrupt.
set -eu
cd "$(dirname "$0")/.."

scripts/packages.sh build
cmake --preset release >/dev/null
cmake --build --preset release
irqtune=build/release/irqtune
host=tests/hosts/two-vms.tar.gz

printf '\n$ %s --root %s plan\n' "$irqtune" "$host"
"$irqtune" --root "$host" plan

if find /sys/bus/pci/devices/*/vfio-dev -maxdepth 0 2>/dev/null | grep -q . ||
  grep -q vfio- /proc/interrupts 2>/dev/null; then
  printf '\nThis machine:\n$ %s plan\n' "$irqtune"
  "$irqtune" plan
else
  printf '\nThis machine has no passthrough devices; "%s show" tells what it is.\n' "$irqtune"
fi
printf 'Install it with: sudo cmake --install build/release\n'
