# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 400
# A watch keeps a host tuned: guests reboot, end and start, a CPU goes and comes, others move masks.

bind_vfio 0000:24:00.0 0000:22:00.0 0000:44:00.0
vm1() { VMD_PIN=2,3,4,5 VMD_EMUPIN=0-1 VMD_RATES=20 start_vm vm1 4 0000:24:00.0 0000:22:00.0; }
vm1
VMD_PIN=10,11 VMD_EMUPIN=8-9 VMD_RATES=20 start_vm vm2 2 0000:44:00.0
cores=$(vcpu_cores)
vector_masks >before.masks
[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing

say "irqtune watch starts"
irqtune watch >watch.log 2>&1 &
watch=$!
clear_of_cores() { [ "$(vector_masks | wide_or_on "$cores" | wc -l)" = 0 ]; }
in_place() { clear_of_cores && irqtune check >check.out 2>&1; }
holds "every vector is in place" wait_for 30 in_place
holds "it says that it goes by tracepoints" sh -c '! grep -q "no tracepoints" watch.log'
vector_masks >applied.masks
as_applied() { vector_masks | cmp -s - applied.masks; }

say "vm1 reboots 20 times"
lines() { grep -c 'made anew' watch.log; }
for i in $(seq 20); do
  seen=$(lines)
  signal_vm USR1 vm1
  again() { [ "$(lines)" -ge $((seen + 14)) ] && as_applied; }
  wait_for 20 again || break
done
same "reboots after which each vector was where it had been" "$i" 20
holds "and still is" as_applied
same "journals" "$(irqtune history --json | jq '.applies | length')" 1

say "another program moves a mask"
irq=$(irqs_of 0000:24:00.0 | head -n 1)
echo 2 >"/proc/irq/$irq/smp_affinity_list"
holds "it is put back" wait_for 10 as_applied

say "vm1 ends and starts"
stop_vm vm1
vm1
holds "each vector is in place" wait_for 30 in_place

say "CPU 6 off and on"
echo 0 >/sys/devices/system/cpu/cpu6/online
holds "in place without it" wait_for 30 in_place
echo 1 >/sys/devices/system/cpu/cpu6/online
holds "in place with it" wait_for 30 in_place

say "a second watch, and rollback beside it"
tune second 5 watch
tune busy 5 rollback

say "the watch ends, and is rolled back"
settled() { # The CPU that came back may still be planned for.
  vector_masks >last.masks
  sleep 4
  vector_masks | cmp -s - last.masks
}
holds "nothing happens any more" wait_for 60 settled
kill "$watch"
wait "$watch"
same "exit code" "$?" 0
same "masks" "$(vector_masks)" "$(cat last.masks)"
tune undo 0 rollback
of_vm2() { grep 0000:44:00.0 "$1"; }
vector_masks >undone.masks
same "vm2's masks, whose guest never rebooted" "$(of_vm2 undone.masks)" "$(of_vm2 before.masks)"
holds "its log has how soon each was placed" grep -q 'made anew or moved, [0-9.]* ms after its event$' watch.log
tail -n 5 watch.log
stop_vm vm1 vm2
verdict
