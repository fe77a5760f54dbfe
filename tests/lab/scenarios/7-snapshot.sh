# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --with archives
# lab: --timeout 240
# A snapshot taken here gives, elsewhere, byte for byte the plan that irqtune makes here. The counters
# stand still meanwhile: copies lie over what /proc would count on.

start_two_vms
sleep 2
tune moving 0 plan --sample 1
irqtune snapshot --sample 1 -o moving.tar.gz || fail "a snapshot with two readings"
irqtune plan --json --root moving.tar.gz >moving-plan.json 2>/dev/null || fail "a plan of it"
signal_vm USR2 vm1
signal_vm USR2 vm2
for name in interrupts stat softirqs uptime; do
  cat "/proc/$name" >"/run/$name"
  mount --bind "/run/$name" "/proc/$name"
done

for scope in passthrough evict all; do
  tune "here-$scope" 0 plan --scope "$scope"
  irqtune plan --scope "$scope" >"here-$scope.txt" 2>/dev/null || fail "plan as text"
done
tune here-show 0 show all
holds "the plan does something: $(json here-passthrough .changes) masks" test "$(json here-passthrough .changes)" -gt 0
masks >masks.txt
irqtune snapshot -o still.tar.gz || fail "a snapshot"
irqtune snapshot -o /tmp/still || fail "a snapshot as a folder"
tar -C /tmp -cf still.tar still
tune again 0 plan
holds "the plan here is still the same" cmp here-passthrough.json again.json

say "the same masks apply on the tree and on the kernel"
for name in interrupts stat softirqs uptime; do
  umount "/proc/$name"
done
tune apply 0 apply here-passthrough.json
vector_masks >applied.masks
targets_of here-passthrough >targets
same "masks in the kernel that are not the plan's" "$(diff targets applied.masks | wc -l)" 0
tune rollback 0 rollback
stop_vm vm1 vm2
verdict
