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
put 20 9 'vfio-intx(0000:00:04.0)'  # was 0-15: off cpu13 (to balance: with it 229/s, cpu9 175/s); node 1 (device's unknown), core 4 sibling
put 74 1 'vfio-msix[0](0000:24:00.0)'  # was 0-7: off cpu5 (vCPU 3 of vm1); node 0, core 0 sibling
put 75 0 'vfio-msix[1](0000:24:00.0)'  # was 0-7: off cpu7 (to balance: with it 464/s, cpu0 294/s); node 0, core 0 first
put 76 1 'vfio-msix[2](0000:24:00.0)'  # was 0-7: off cpu3 (vCPU 1 of vm1); node 0, core 0 sibling
put 80 7 'vfio-msix[3](0000:24:00.0)'  # was 0-7: off cpu4 (vCPU 2 of vm1); node 0, core 3 sibling
put 81 7 'vfio-msix[4](0000:24:00.0)'  # was 0-7: off cpu5 (vCPU 3 of vm1); node 0, core 3 sibling
put 82 6 'vfio-msix[0](0000:22:00.0)'  # was 0-7: cpu6 is good: narrowed to it; node 0, core 3 first
put 89 7 'vfio-msix[1](0000:22:00.0)'  # was 0-7: cpu7 is good: narrowed to it; node 0, core 3 sibling
put 90 0 'vfio-msix[2](0000:22:00.0)'  # was 0-7: cpu0 is good: narrowed to it; node 0, core 0 first
put 91 6 'vfio-msix[3](0000:22:00.0)'  # was 0-7: off cpu1 (to balance: with it 348/s, cpu6 303/s); node 0, core 3 first
put 92 6 'vfio-msix[4](0000:22:00.0)'  # was 0-7: off cpu2 (vCPU 0 of vm1); node 0, core 3 first
put 93 6 'vfio-msix[5](0000:22:00.0)'  # was 0-7: off cpu3 (vCPU 1 of vm1); node 0, core 3 first
put 94 6 'vfio-msix[6](0000:22:00.0)'  # was 0-7: off cpu4 (vCPU 2 of vm1); node 0, core 3 first
put 95 0 'vfio-msix[7](0000:22:00.0)'  # was 0-7: off cpu5 (vCPU 3 of vm1); node 0, core 0 first
put 96 7 'vfio-msix[8](0000:22:00.0)'  # was 0-7: off cpu6 (to balance: with it 352/s, cpu7 300/s); node 0, core 3 sibling
put 97 8 'vfio-msix[0](0000:44:00.0)'  # was 8-15: off cpu15 (to balance: with it 371/s, cpu8 179/s); node 1, core 4 first
put 115 9 'vfio-msix[1](0000:44:00.0)'  # was 8-15: off cpu8 (to balance: with it 306/s, cpu9 175/s); node 1, core 4 sibling
put 116 14 'vfio-msix[2](0000:44:00.0)'  # was 8-15: off cpu9 (to balance: with it 242/s, cpu14 186/s); node 1, core 7 first
put 117 14 'vfio-msix[3](0000:44:00.0)'  # was 8-15: off cpu10 (vCPU 0 of vm2); node 1, core 7 first
put 119 12 'vfio-msix[4](0000:44:00.0)'  # was 8-15: off cpu11 (vCPU 1 of vm2); node 1, core 6 first
put 120 12 'vfio-msix[0](0000:42:00.0)'  # was 8-15: cpu12 is good: narrowed to it; node 1, core 6 first
put 121 13 'vfio-msix[1](0000:42:00.0)'  # was 8-15: cpu13 is good: narrowed to it; node 1, core 6 sibling
put 122 13 'vfio-msix[2](0000:42:00.0)'  # was 8-15: off cpu14 (to balance: with it 234/s, cpu13 181/s); node 1, core 6 sibling
put 123 14 'vfio-msix[3](0000:42:00.0)'  # was 8-15: off cpu15 (to balance: with it 240/s, cpu14 186/s); node 1, core 7 first
put 129 15 'vfio-msix[4](0000:42:00.0)'  # was 8-15: off cpu8 (to balance: with it 227/s, cpu15 192/s); node 1, core 7 sibling
put 175 15 'vfio-msix[5](0000:42:00.0)'  # was 8-15: off cpu9 (to balance: with it 223/s, cpu15 192/s); node 1, core 7 sibling
put 176 15 'vfio-msix[6](0000:42:00.0)'  # was 8-15: off cpu10 (vCPU 0 of vm2); node 1, core 7 sibling
put 177 15 'vfio-msix[7](0000:42:00.0)'  # was 8-15: off cpu11 (vCPU 1 of vm2); node 1, core 7 sibling
put 178 13 'vfio-msix[8](0000:42:00.0)'  # was 8-15: off cpu12 (to balance: with it 227/s, cpu13 181/s); node 1, core 6 sibling
exit $failed
