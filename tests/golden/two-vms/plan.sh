#!/bin/sh
# Plan of irqtune for this host: the plain commands, for review.
# `irqtune apply` does the same, with a journal to roll back from.
set -u
failed=0
# put IRQ CPU HANDLERS: only while the interrupt still has these handlers.
put() {
  if [ "$(cat "/sys/kernel/irq/$1/actions" 2>/dev/null)" != "$3" ]; then
    echo "IRQ $1 has other handlers now: left alone" >&2
    failed=1
  else
    echo "$2" > "/proc/irq/$1/smp_affinity_list" || failed=1
  fi
}
put 20 13 'vfio-intx(0000:00:04.0)'  # was 0-15: cpu13 is good: narrowed to it; node 1 (device's unknown), core 6 sibling
put 74 1 'vfio-msix[0](0000:24:00.0)'  # was 0-7: off cpu5 (vCPU 3 of vm1); node 0, core 0 sibling
put 75 6 'vfio-msix[1](0000:24:00.0)'  # was 0-7: off cpu7 (to balance); node 0, core 3 first
put 76 0 'vfio-msix[2](0000:24:00.0)'  # was 0-7: off cpu3 (vCPU 1 of vm1); node 0, core 0 first
put 80 7 'vfio-msix[3](0000:24:00.0)'  # was 0-7: off cpu4 (vCPU 2 of vm1); node 0, core 3 sibling
put 81 1 'vfio-msix[4](0000:24:00.0)'  # was 0-7: off cpu5 (vCPU 3 of vm1); node 0, core 0 sibling
put 82 7 'vfio-msix[0](0000:22:00.0)'  # was 0-7: off cpu6 (to balance); node 0, core 3 sibling
put 89 7 'vfio-msix[1](0000:22:00.0)'  # was 0-7: cpu7 is good: narrowed to it; node 0, core 3 sibling
put 90 0 'vfio-msix[2](0000:22:00.0)'  # was 0-7: cpu0 is good: narrowed to it; node 0, core 0 first
put 91 1 'vfio-msix[3](0000:22:00.0)'  # was 0-7: cpu1 is good: narrowed to it; node 0, core 0 sibling
put 92 6 'vfio-msix[4](0000:22:00.0)'  # was 0-7: off cpu2 (vCPU 0 of vm1); node 0, core 3 first
put 93 6 'vfio-msix[5](0000:22:00.0)'  # was 0-7: off cpu3 (vCPU 1 of vm1); node 0, core 3 first
put 94 0 'vfio-msix[6](0000:22:00.0)'  # was 0-7: off cpu4 (vCPU 2 of vm1); node 0, core 0 first
put 95 0 'vfio-msix[7](0000:22:00.0)'  # was 0-7: off cpu5 (vCPU 3 of vm1); node 0, core 0 first
put 96 6 'vfio-msix[8](0000:22:00.0)'  # was 0-7: cpu6 is good: narrowed to it; node 0, core 3 first
put 97 15 'vfio-msix[0](0000:44:00.0)'  # was 8-15: cpu15 is good: narrowed to it; node 1, core 7 sibling
put 115 8 'vfio-msix[1](0000:44:00.0)'  # was 8-15: cpu8 is good: narrowed to it; node 1, core 4 first
put 116 9 'vfio-msix[2](0000:44:00.0)'  # was 8-15: cpu9 is good: narrowed to it; node 1, core 4 sibling
put 117 9 'vfio-msix[3](0000:44:00.0)'  # was 8-15: off cpu10 (vCPU 0 of vm2); node 1, core 4 sibling
put 119 14 'vfio-msix[4](0000:44:00.0)'  # was 8-15: off cpu11 (vCPU 1 of vm2); node 1, core 7 first
put 120 12 'vfio-msix[0](0000:42:00.0)'  # was 8-15: cpu12 is good: narrowed to it; node 1, core 6 first
put 121 13 'vfio-msix[1](0000:42:00.0)'  # was 8-15: cpu13 is good: narrowed to it; node 1, core 6 sibling
put 122 14 'vfio-msix[2](0000:42:00.0)'  # was 8-15: cpu14 is good: narrowed to it; node 1, core 7 first
put 123 15 'vfio-msix[3](0000:42:00.0)'  # was 8-15: cpu15 is good: narrowed to it; node 1, core 7 sibling
put 129 8 'vfio-msix[4](0000:42:00.0)'  # was 8-15: cpu8 is good: narrowed to it; node 1, core 4 first
put 175 9 'vfio-msix[5](0000:42:00.0)'  # was 8-15: cpu9 is good: narrowed to it; node 1, core 4 sibling
put 176 13 'vfio-msix[6](0000:42:00.0)'  # was 8-15: off cpu10 (vCPU 0 of vm2); node 1, core 6 sibling
put 177 14 'vfio-msix[7](0000:42:00.0)'  # was 8-15: off cpu11 (vCPU 1 of vm2); node 1, core 7 first
put 178 12 'vfio-msix[8](0000:42:00.0)'  # was 8-15: cpu12 is good: narrowed to it; node 1, core 6 first
exit $failed
