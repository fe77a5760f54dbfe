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
put 20 14 'vfio-intx(0000:00:04.0)'  # was 0-15: off cpu13 (to balance: with it 241/s, cpu14 210/s); node 1 (device's unknown), core 7 first
put 74 0 'vfio-msix[0](0000:24:00.0)'  # was 0-7: off cpu5 (vCPU 3 of vm1); node 0, core 0 first
put 75 1 'vfio-msix[1](0000:24:00.0)'  # was 0-7: off cpu7 (to balance: with it 513/s, cpu1 329/s); node 0, core 0 sibling
put 76 6 'vfio-msix[2](0000:24:00.0)'  # was 0-7: off cpu3 (vCPU 1 of vm1); node 0, core 3 first
put 80 7 'vfio-msix[3](0000:24:00.0)'  # was 0-7: off cpu4 (vCPU 2 of vm1); node 0, core 3 sibling
put 81 0 'vfio-msix[4](0000:24:00.0)'  # was 0-7: off cpu5 (vCPU 3 of vm1); node 0, core 0 first
put 82 7 'vfio-msix[0](0000:22:00.0)'  # was 0-7: off cpu6 (to balance: with it 468/s, cpu7 332/s); node 0, core 3 sibling
put 89 7 'vfio-msix[1](0000:22:00.0)'  # was 0-7: cpu7 is good: narrowed to it; node 0, core 3 sibling
put 90 6 'vfio-msix[2](0000:22:00.0)'  # was 0-7: off cpu0 (to balance: with it 426/s, cpu6 333/s); node 0, core 3 first
put 91 1 'vfio-msix[3](0000:22:00.0)'  # was 0-7: cpu1 is good: narrowed to it; node 0, core 0 sibling
put 92 0 'vfio-msix[4](0000:22:00.0)'  # was 0-7: off cpu2 (vCPU 0 of vm1); node 0, core 0 first
put 93 6 'vfio-msix[5](0000:22:00.0)'  # was 0-7: off cpu3 (vCPU 1 of vm1); node 0, core 3 first
put 94 6 'vfio-msix[6](0000:22:00.0)'  # was 0-7: off cpu4 (vCPU 2 of vm1); node 0, core 3 first
put 95 1 'vfio-msix[7](0000:22:00.0)'  # was 0-7: off cpu5 (vCPU 3 of vm1); node 0, core 0 sibling
put 96 1 'vfio-msix[8](0000:22:00.0)'  # was 0-7: off cpu6 (to balance: with it 383/s, cpu1 329/s); node 0, core 0 sibling
put 97 8 'vfio-msix[0](0000:44:00.0)'  # was 8-15: off cpu15 (to balance: with it 404/s, cpu8 206/s); node 1, core 4 first
put 123 9 'vfio-msix[1](0000:44:00.0)'  # was 8-15: off cpu8 (to balance: with it 363/s, cpu9 206/s); node 1, core 4 sibling
put 167 14 'vfio-msix[2](0000:44:00.0)'  # was 8-15: off cpu9 (to balance: with it 293/s, cpu14 210/s); node 1, core 7 first
put 168 14 'vfio-msix[3](0000:44:00.0)'  # was 8-15: off cpu10 (vCPU 0 of vm2); node 1, core 7 first
put 169 12 'vfio-msix[4](0000:44:00.0)'  # was 8-15: off cpu11 (vCPU 1 of vm2); node 1, core 6 first
put 170 12 'vfio-msix[0](0000:42:00.0)'  # was 8-15: cpu12 is good: narrowed to it; node 1, core 6 first
put 171 13 'vfio-msix[1](0000:42:00.0)'  # was 8-15: cpu13 is good: narrowed to it; node 1, core 6 sibling
put 172 15 'vfio-msix[2](0000:42:00.0)'  # was 8-15: off cpu14 (to balance: with it 260/s, cpu15 198/s); node 1, core 7 sibling
put 173 13 'vfio-msix[3](0000:42:00.0)'  # was 8-15: off cpu15 (to balance: with it 248/s, cpu13 192/s); node 1, core 6 sibling
put 174 15 'vfio-msix[4](0000:42:00.0)'  # was 8-15: off cpu8 (to balance: with it 256/s, cpu15 198/s); node 1, core 7 sibling
put 175 13 'vfio-msix[5](0000:42:00.0)'  # was 8-15: off cpu9 (to balance: with it 255/s, cpu13 192/s); node 1, core 6 sibling
put 176 15 'vfio-msix[6](0000:42:00.0)'  # was 8-15: off cpu10 (vCPU 0 of vm2); node 1, core 7 sibling
put 177 15 'vfio-msix[7](0000:42:00.0)'  # was 8-15: off cpu11 (vCPU 1 of vm2); node 1, core 7 sibling
put 178 9 'vfio-msix[8](0000:42:00.0)'  # was 8-15: off cpu12 (to balance: with it 253/s, cpu9 206/s); node 1, core 4 sibling
exit $failed
