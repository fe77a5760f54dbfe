# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 400
# What interrupts cost the guests is measured before and after an apply, and the kernel's counts agree.

passed_on_cores() { # NAME of a measurement
  json "$1" '.totals.on_vcpu_cores.passthrough'
}
kernel_rate() { # FILE of rises over 10 s
  rises_on "$1" "$cores" | awk '{print $1 / 10}'
}
near() { # A B: within a quarter, or 3, of each other: two readings of one rate
  awk -v a="$1" -v b="$2" 'BEGIN {d = a > b ? a - b : b - a; exit !(d <= 3 || d <= (a + b) / 8)}'
}
measured() { # NAME ARGUMENT...: a measurement, and beside it what the kernel counts meanwhile
  local name=$1
  shift
  rises 10 >"$name.rises" &
  tune "$name" 0 measure --seconds 10 "$@"
  wait $!
}

bind_vfio 0000:24:00.0 0000:22:00.0 0000:44:00.0 0000:42:00.0
VMD_PIN=2,3,4,5 VMD_EMUPIN=0-1 VMD_RATES=80,60,40 start_vm vm1 4 0000:24:00.0 0000:22:00.0
VMD_PIN=10,11 VMD_EMUPIN=8-9 VMD_RATES=80,60,40 start_vm vm2 2 0000:44:00.0 0000:42:00.0
cores=$(vcpu_cores)
# As a guest's driver spreads its queues: onto every CPU of the node in turn.
at=0
for irq in $(vm_irqs); do
  echo $((at % 16)) >"/proc/irq/$irq/smp_affinity_list"
  at=$((at + 3))
done
sleep 2

measured before
was=$(passed_on_cores before)
holds "before: $was/s of passed-through vectors on vCPU cores" awk -v n="$was" 'BEGIN {exit !(n > 50)}'
holds "before: the kernel counted $(kernel_rate before.rises)/s there" near "$was" "$(kernel_rate before.rises)"
same "interrupts by VM: both are named" "$(json before '[.vms[].name] | sort | join(" ")')" "vm1 vm2"

tune apply 0 apply
sleep 2
measured after --against before.json
same "after: interrupts of passed-through vectors on vCPU cores" "$(passed_on_cores after)" 0
same "after: and the kernel counted" "$(kernel_rate after.rises)" 0
same "the comparison calls that a difference" \
  "$(json after '.compare[] | select(.path == "totals.on_vcpu_cores.passthrough") | .differs')" true
say "deviation of the irq + softirq share, all CPUs and housekeeping ones, before and after:"
for name in before after; do
  say "  $name: $(json "$name" '.totals.stdev | tostring')"
done
json after '.compare[] | "\(.path) \(.before) -> \(.after), spread \(.spread), differs \(.differs)"' |
  while read -r line; do say "  $line"; done
tune undo 0 rollback
measured undone --against after.json
holds "after the rollback the vectors' masks are as they were: $(passed_on_cores undone)/s on vCPU cores" \
  near "$was" "$(passed_on_cores undone)"
stop_vm vm1 vm2
verdict
