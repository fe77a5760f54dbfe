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
put 86 2 'vfio-msix[0](0000:24:00.0)'  # was 5: off cpu5 (primary: to a core without one); node 0, core 1 first
put 88 0 'vfio-msix[1](0000:22:00.0)'  # was 5: off cpu5 (primary: to a core without one); node 0, core 0 first
put 117 4 'vfio-msix[2](0000:22:00.0)'  # was 5: off cpu5 (primary: to a core without one); node 0, core 2 first
put 119 6 'vfio-msix[1](0000:24:00.0)'  # was 5: off cpu5 (primary: to a core without one); node 0, core 3 first
exit $failed
