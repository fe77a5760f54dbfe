# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 240
# Two VMs with real vectors at set rates. After apply no vector interrupts a vCPU's core; rollback
# puts every mask back, and the interrupts return.

start_two_vms
# As if someone had put some onto vCPUs: the kernel moves a vector back only if its mask says so.
echo 2 >"/proc/irq/$(irq_named 'vfio-msix[0](0000:24:00.0)')/smp_affinity_list"
echo 3 >"/proc/irq/$(irq_named 'vfio-msix[1](0000:22:00.0)')/smp_affinity_list"
echo 10 >"/proc/irq/$(irq_named 'vfio-msix[0](0000:44:00.0)')/smp_affinity_list"
cores=$(vcpu_cores)
masks >before.masks
rises 5 >before.rises
hit=$(rises_on before.rises "$cores")
holds "before: $hit of $(total_of before.rises) interrupts in 5 s on vCPU cores" test "$hit" -gt 0

tune plan 0 plan
same "the plan protects the vCPUs' cores" "$(expand "$(json plan .protected)" | xargs)" "$cores"
holds "collisions before: $(json plan .score.before.collisions)" test "$(json plan .score.before.collisions)" -gt 0
same "collisions after" "$(json plan .score.after.collisions)" 0
same "vectors in the plan" "$(json plan '.assignments | length')" "$(grep -c vfio- /proc/interrupts)"

tune apply 0 apply plan.json
same "apply's state" "$(json apply .state)" committed
same "results that are not ok" "$(json apply '[.results[] | select(.state != "ok")] | length')" 0
same "masks in the kernel that are not the plan's" \
  "$(vector_masks >/tmp/masks; targets_of plan | diff - /tmp/masks | wc -l)" 0
sleep 1
rises 5 >after.rises
same "after: interrupts in 5 s on vCPU cores, of $(total_of after.rises)" "$(rises_on after.rises "$cores")" 0
same "after: interrupts elsewhere than planned" "$(strays after.rises plan | wc -l)" 0
holds "after: interrupts still come" test "$(total_of after.rises)" -gt 100

tune check 0 check
same "check: in place" "$(json check .in_place)" true
tune again 0 apply --min-gain 100 # Rates of a host that booted a minute ago still change.
same "a second apply" "$(json again .state)" nothing_to_do

tune rollback 0 rollback
same "rollback's state" "$(json rollback .state)" rolled_back
masks >end.masks
holds "rollback restored every mask" cmp before.masks end.masks
sleep 1
rises 5 >end.rises
hit=$(rises_on end.rises "$cores")
holds "interrupts on vCPU cores are back: $hit in 5 s" test "$hit" -gt 0
same "history" "$(irqtune history --json | jq -r '.applies[0].state')" rolled_back
stop_vm vm1 vm2
verdict
