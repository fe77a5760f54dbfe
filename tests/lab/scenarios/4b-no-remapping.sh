# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 240
# lab: --append intremap=off
# Without interrupt remapping a vector moves at its next interrupt: until then it is pending, which is
# neither a failure nor something to plan again.

echo Y >/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
bind_vfio 0000:24:00.0
VMD_PIN=2,3 VMD_EMUPIN=0-1 VMD_RATES=20 start_vm vm1 2 0000:24:00.0
same "chip" "$(grep vfio- /proc/interrupts | grep -c ' PCI-MSI')" 5
cores=$(vcpu_cores)
for irq in $(irqs_of 0000:24:00.0); do
  echo 2 >"/proc/irq/$irq/smp_affinity_list"
done
on_two() { [ "$(for irq in $(irqs_of 0000:24:00.0); do effective_of "$irq"; done | sort -u)" = 2 ]; }
holds "all are on CPU 2" wait_for 5 on_two
signal_vm USR2 vm1
sleep 1
masks >before.masks

tune plan 0 plan
tune apply 0 apply plan.json
same "apply's state" "$(json apply .state)" committed
same "results" "$(json apply '[.results[].state] | unique | join(" ")')" pending
same "masks in the kernel that are not the plan's" \
  "$(vector_masks >/tmp/masks; targets_of plan | diff - /tmp/masks | wc -l)" 0
holds "the kernel still delivers to CPU 2" on_two
tune check 0 check
tune again 0 apply --min-gain 100 # Rates of a host that booted a minute ago still change.
same "a second apply" "$(json again .state)" nothing_to_do

say "the guest goes on"
signal_vm USR2 vm1
not_on_two() { ! for irq in $(irqs_of 0000:24:00.0); do effective_of "$irq"; done | grep -qx 2; }
holds "the kernel has moved them" wait_for 5 not_on_two
sleep 1
rises 5 >after.rises
same "interrupts in 5 s on vCPU cores, of $(total_of after.rises)" "$(rises_on after.rises "$cores")" 0
same "interrupts elsewhere than planned" "$(strays after.rises plan | wc -l)" 0
tune check 0 check
tune rollback 0 rollback
masks >end.masks
holds "rollback restored every mask" cmp before.masks end.masks
sleep 1
rises 3 >end.rises
holds "interrupts on vCPU cores are back: $(rises_on end.rises "$cores")" test "$(rises_on end.rises "$cores")" -gt 0
stop_vm vm1
verdict
