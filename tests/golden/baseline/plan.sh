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
exit $failed
