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
put 86 5 'vfio-msix[0](0000:27:10.0)'  # was 6: off cpu6 (to balance: with it 267/s, cpu5 130/s); node 0, core 2 sibling
put 89 4 'vfio-msix[0](0000:27:10.2)'  # was 0-7: off cpu6 (primary: to a core without one); node 0, core 2 first
put 90 7 'vfio-msix[1](0000:27:10.2)'  # was 0-7: cpu7 is good: narrowed to it; node 0, core 3 sibling
put 91 0 'vfio-msix[2](0000:27:10.2)'  # was 0-7: cpu0 is good: narrowed to it; node 0, core 0 first
put 95 12 'vfio-msix[0](0000:47:10.0)'  # was 8-15: off cpu15 (primary: to a core without one); node 1, core 6 first
put 96 8 'vfio-msix[1](0000:47:10.0)'  # was 8-15: cpu8 is good: narrowed to it; node 1, core 4 first
put 97 14 'vfio-msix[2](0000:47:10.0)'  # was 8-15: off cpu9 (primary: to a core without one); node 1, core 7 first
exit $failed
