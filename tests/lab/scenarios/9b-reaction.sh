# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 900
# lab: --qemu 10
# lab: --with irqbalance
# How soon a vector that a guest's reboot made anew is placed, and how many interrupts hit vCPUs' cores until
# then: by irqtune watch, by a small program that does nothing else, and by irqbalance each second. The
# numbers are printed; claimed is where interrupts go.

reboots=${REBOOTS:-24} window=3
[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing
bind_vfio 0000:24:00.0 0000:22:00.0
VMD_PIN=2,3,4,5 VMD_EMUPIN=0-1 VMD_RATES=100 start_vm vm1 4 0000:24:00.0 0000:22:00.0
cores=$(vcpu_cores)
vm=$(pid_of vm1)

# Interrupts of the VM's vectors on its vCPUs' cores since they were made, by /proc/interrupts.
exposed() {
  counts >/tmp/counts
  rises_on /tmp/counts "$cores"
}

# Reboots the guest again and again; each time the interrupts that hit the cores within the window. The
# vectors' counts begin at 0 when they are made.
reboot_all() { # NAME
  for _ in $(seq "$reboots"); do
    signal_vm USR1 vm1
    sleep "$window"
    exposed
  done >"$1.exposed"
}

# "COUNT MEDIAN 99% MOST" of numbers, a line each.
spread() {
  sort -n | awk '{v[NR] = $1} END {
    if (NR) printf "%d %.1f %.1f %.1f\n", NR, v[int((NR + 1) / 2)], v[int(NR * 0.99 + 0.99)], v[NR]}'
}
report() { # NAME < milliseconds
  say "$1: reactions, median, 99 %, most in ms: $(spread)"
  say "$1: interrupts on vCPUs' cores in $window s after a reboot: mean $(
    awk '{n += $1} END {printf "%.1f", n / NR}' "$1.exposed"), most $(sort -n "$1.exposed" | tail -1)"
}
exposure() { awk '{n += $1} END {print n + 0}' "$1.exposed"; }

say "nobody"
reboots=4 reboot_all nobody
holds "unless somebody reacts, interrupts hit the cores: $(exposure nobody)" test "$(exposure nobody)" -gt 0

say "irqtune watch"
irqtune watch >watch.log 2>&1 &
watch=$!
in_place() { [ "$(vector_masks | wide_or_on "$cores" | wc -l)" = 0 ]; }
wait_for 60 in_place || fail "the watch has placed everything"
reboot_all irqtune
holds "in place after $reboots reboots" wait_for 10 in_place
sed -n 's/.*made anew or moved, \([0-9.]*\) ms after its event$/\1/p' watch.log | report irqtune
say "reactions that its log has no time of, found by a look: $(grep 'made anew or moved' watch.log | grep -vc ' ms after its event$')"
kill "$watch"
wait "$watch"

say "a small program"
/lab/react 1 >small.log &
small=$!
reboot_all small
awk '{printf "%.3f\n", $3 / 1e6}' small.log | report small
kill "$small"

say "irqbalance, kept off the cores, each second"
/lab/react >balance.events &
events=$!
IRQBALANCE_BANNED_CPULIST=$(echo "$cores" | tr ' ' ',') irqbalance --foreground --interval=1 >irqbalance.log 2>&1 &
balance=$!
sleep 5
reboot_all irqbalance
kill "$balance" "$events"
# From the last event of a vector in the VM's own context to the first in irqbalance's.
awk -v vm="$vm" -v balance="$balance" '$4 == vm {made[$2] = $1}
  $4 == balance && $2 in made {printf "%.3f\n", ($1 - made[$2]) / 1e6; delete made[$2]}' balance.events | report irqbalance

say "irqtune watch --default-affinity"
irqtune watch --default-affinity >default.log 2>&1 &
watch=$!
default_set() { grep -q '^irqtune: default_smp_affinity' default.log; }
wait_for 60 default_set || fail "the watch has set the default"
sleep 5
reboot_all default
sed -n 's/.*made anew or moved, \([0-9.]*\) ms after its event$/\1/p' default.log | report default
same "with --default-affinity: interrupts on vCPUs' cores" "$(exposure default)" 0
kill "$watch"
wait "$watch"

holds "irqtune lets through fewer than irqbalance: $(exposure irqtune), $(exposure irqbalance)" \
  test "$(exposure irqtune)" -lt "$(exposure irqbalance)"
stop_vm vm1
verdict
