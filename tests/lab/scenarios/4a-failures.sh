# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 400
# lab: --with irqbalance
# lab: --qemu-arg -device
# lab: --qemu-arg nvme,serial=x1,bus=pcie.0,addr=0x9,max_ioqpairs=63,msix_qsize=64
# lab: --qemu-arg -device
# lab: --qemu-arg nvme,serial=x2,bus=pcie.0,addr=0xa,max_ioqpairs=63,msix_qsize=64
# lab: --qemu-arg -device
# lab: --qemu-arg nvme,serial=x3,bus=pcie.0,addr=0xb,max_ioqpairs=63,msix_qsize=64
# What the kernel refuses and what changes under one's feet: managed queues, numbers that another VM
# got, a CPU offline, /proc read-only, not root, irqbalance, a CPU out of vectors.

states() { json "$1" '[.results[].state] | group_by(.) | map("\(length) \(.[0])") | join(", ")'; }
says() { grep -qE "$1" "$2.err"; }
journals() { find /var/lib/irqtune -type f 2>/dev/null | wc -l; }
of_vm2() { vector_masks | grep 0000:44:00.0; }

# Claims that an apply exits with 1 and has left every mask as it was.
refused() { # NAME ARGUMENT...
  local name=$1
  shift
  masks >/tmp/before
  tune "$name" 1 "$@"
  masks >/tmp/after
  holds "$name: every mask is as it was" cmp /tmp/before /tmp/after
}

bind_vfio 0000:24:00.0 0000:44:00.0
start_vm1() { VMD_PIN=2,3 VMD_EMUPIN=0-1 VMD_RATES=20 start_vm vm1 2 0000:24:00.0; }
start_vm2() { VMD_PIN=10,11 VMD_EMUPIN=8-9 VMD_RATES=20 start_vm vm2 2 0000:44:00.0; }

say "== a managed queue in the plan"
start_vm1
tune plan 0 plan
queue=$(irqs_of 0000:21:00.0 | while read -r irq; do
  ! grep -q 'q3$' "/sys/kernel/irq/$irq/actions" || echo "$irq"
done)
errno=$(echo 6 2>&1 >"/proc/irq/$queue/smp_affinity_list" | sed 's/.*: //')
case $(uname -r) in
  6.1.*) same "the kernel refuses it with" "$errno" "Input/output error" ;;
  *) same "the kernel refuses it with" "$errno" "Operation not permitted" ;;
esac
jq --argjson irq "$queue" --arg action "$(cat "/sys/kernel/irq/$queue/actions")" \
  '.assignments += [.assignments[0] + {irq: $irq, vector: null, device: "0000:21:00.0", action: $action,
     actions: [$action], vm: null, from: "0", from_effective: "0", to: "6", change: true, blocked: null}]' \
  plan.json >managed-plan.json
case $(uname -r) in
  6.1.*) # Nothing else tells that it is managed: it is left, and remembered.
    tune keep 0 apply --force managed-plan.json # Edited, so --force.
    same "managed: results" "$(states keep)" "1 managed, 5 ok"
    same "managed: the IRQ" "$(json keep '.results[] | select(.state == "managed") | .irq')" "$queue"
    ;;
  *)
    refused managed apply --force managed-plan.json
    same "managed: state" "$(json managed .state)" rolled_back
    same "managed: the IRQ that is refused" \
      "$(json managed '.results[] | select(.state == "refused") | .irq')" "$queue"
    holds "managed: the class is named" says 'refused: the kernel manages' managed
    tune keep 4 apply --force --keep-going managed-plan.json
    same "--keep-going: state" "$(json keep .state)" partial
    same "--keep-going: results" "$(states keep)" "5 ok, 1 refused"
    ;;
esac
same "managed: masks in the kernel that are not the plan's" \
  "$(vector_masks >/tmp/masks; targets_of plan | diff - /tmp/masks | wc -l)" 0
tune undo 0 rollback
tune evict 0 apply --scope evict
say "evict: $(states evict)"
tune undo 0 rollback
tune all 0 apply --scope all
say "all: $(states all)"
tune undo 0 rollback

say "== numbers that another VM got between plan and apply"
tune plan 0 plan
old=$(irqs_of 0000:24:00.0 | xargs)
stop_vm vm1
start_vm2
same "vm2 has vm1's numbers" "$(irqs_of 0000:44:00.0 | xargs)" "$old"
of_vm2 >vm2.masks
refused vanished apply plan.json
same "vanished: results" "$(states vanished)" "5 vanished"
start_vm1
holds "vm1 has others: $(irqs_of 0000:24:00.0 | xargs)" test "$(irqs_of 0000:24:00.0 | xargs)" != "$old"
tune renumbered 0 apply plan.json
same "renumbered: results" "$(states renumbered)" "5 renumbered"
same "vm1's masks that are not the plan's" \
  "$(vector_masks | grep 0000:24 >/tmp/masks; targets_of plan | diff - /tmp/masks | wc -l)" 0
holds "vm2's masks are as they were" test "$(of_vm2)" = "$(cat vm2.masks)"
tune undo 0 rollback

say "== numbers that another VM got between apply and rollback"
stop_vm vm1 vm2
start_vm1
tune apply 0 apply
old=$(irqs_of 0000:24:00.0 | xargs)
stop_vm vm1
start_vm2
same "vm2 has vm1's numbers" "$(irqs_of 0000:44:00.0 | xargs)" "$old"
# What apply wrote stands at vm2's vectors too: the mask alone would not tell.
json apply '.results[] | "\(.irq) \(.to)"' | while read -r irq to; do
  echo "$to" >"/proc/irq/$irq/smp_affinity_list"
done
of_vm2 >vm2.masks
tune gone 0 rollback
same "rollback: results" "$(states gone)" "5 vanished"
holds "vm2's masks are as they were" test "$(of_vm2)" = "$(cat vm2.masks)"
stop_vm vm2
start_vm1
tune apply 0 apply
stop_vm vm1
start_vm2
start_vm1
of_vm2 >vm2.masks
json apply '.results[] | "\(.vector.index) \(.to)"' | while read -r index to; do
  echo "$to" >"/proc/irq/$(irq_named "vfio-msix[$index](0000:24:00.0)")/smp_affinity_list"
done
vector_masks | grep 0000:24 >vm1.masks
tune found 0 rollback
# The kernel made them anew: what the apply wrote stands nowhere, and what someone wrote since is theirs.
same "rollback of renumbered vectors: results" "$(states found)" "5 remade"
holds "vm1's masks are as they were" test "$(vector_masks | grep 0000:24)" = "$(cat vm1.masks)"
holds "vm2's masks are as they were" test "$(of_vm2)" = "$(cat vm2.masks)"
stop_vm vm1 vm2
start_vm1

say "== a CPU offline between plan and apply"
tune plan 0 plan
cpu=$(targets_of plan | cut -d' ' -f2 | grep -vx 0 | head -1)
echo 0 >"/sys/devices/system/cpu/cpu$cpu/online"
masks >/tmp/before
tune offline 2 apply plan.json
masks >/tmp/after
holds "offline: every mask is as it was" cmp /tmp/before /tmp/after
holds "offline: the CPU is named" says "to CPU $cpu: not online" offline
tune fresh 0 apply
same "a fresh plan does without CPU $cpu" "$(json fresh "[.results[] | select(.to == \"$cpu\")] | length")" 0
tune undo 0 rollback
echo 1 >"/sys/devices/system/cpu/cpu$cpu/online"

say "== /proc/irq read-only, and not root"
before=$(journals)
mount --bind /proc/irq /proc/irq
mount -o remount,ro,bind /proc/irq
refused readonly apply
holds "read-only: said" says 'default_smp_affinity: /proc is read-only here' readonly
umount /proc/irq
su nobody -c 'irqtune apply --json' >user.json 2>user.err
same "another user's apply exits with" $? 1
holds "another user: said" says 'not writable: Permission denied: run it as root' user
same "no journal was opened" "$(journals)" "$before"

say "== irqbalance"
irqbalance --foreground --interval=1 >irqbalance.log 2>&1 &
balance=$!
wait_for 10 grep -qx irqbalance "/proc/$balance/comm"
kill -STOP "$balance"
refused strict apply --strict
holds "--strict: said" says "irqbalance \(pid $balance\) runs and would undo this" strict
tune warned 0 apply
holds "without --strict: warned, with the remedy" test "$(json warned '.advice[].hint[]' | grep -c -- --banmod=vfio)" = 1
vector_masks >applied.masks
moved() { ! vector_masks | cmp applied.masks - || return 1; }
kill -CONT "$balance"
holds "irqbalance does undo it" wait_for 20 moved
tune undone 3 check
kill "$balance"
wait "$balance"
tune once-more 0 apply
vector_masks >applied.masks
masks | grep -v vfio >host.masks
irqbalance --foreground --interval=1 --banmod=vfio >irqbalance.log 2>&1 &
balance=$!
others_moved() { ! masks | grep -v vfio | cmp host.masks - || return 1; }
holds "with the remedy irqbalance moves others" wait_for 20 others_moved
sleep 5
holds "and leaves the VMs' vectors" test "$(vector_masks)" = "$(cat applied.masks)"
tune quiet 0 apply --strict
same "no warning any more" "$(json quiet '.warnings | join(" ")')" ""
tune quiet 0 check
kill "$balance"
wait "$balance"
tune undo 0 rollback
stop_vm vm1

say "== a CPU out of vectors"
set --
for address in 0000:00:09.0 0000:00:0a.0 0000:00:0b.0 0000:28:00.0 0000:48:00.0; do
  bind_vfio "$address"
  set -- "$@" "$address"
done
start_vm big 1 "$@"
holds "vectors: $(grep -c vfio- /proc/interrupts)" test "$(grep -c vfio- /proc/interrupts)" -gt 200
refused full apply --housekeeping 6 --max-vectors-per-cpu 1000
holds "full: the class is named" says 'refused: no interrupt vector is free on that CPU' full
# Without debugfs nobody tells what the host's own devices hold there: as the hint says.
tune budget 0 apply --housekeeping 6-7 --max-vectors-per-cpu 150
holds "with a lower budget irqtune places them: $(states budget)" test "$(json budget .state)" = committed
tune undo 0 rollback
stop_vm big
verdict
