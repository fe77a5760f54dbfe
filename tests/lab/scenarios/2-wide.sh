# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --kernel 6.12
# lab: --qemu 10
# lab: --topo 4x10x1
# lab: --timeout 580
# lab: --append intremap=off
# Four nodes, 40 CPUs, SR-IOV VFs, INTx and MSI, and no interrupt remapping: a move is pending until
# the next interrupt, and then in place.

echo Y >/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
vf() { basename "$(readlink "/sys/bus/pci/devices/$1/virtfn$2")"; }
for pf in 0000:27:00.0 0000:67:00.0; do
  echo 2 >"/sys/bus/pci/devices/$pf/sriov_numvfs"
  ip link set "$(ls "/sys/bus/pci/devices/$pf/net")" up # A VF works only while its PF's link is up.
done
sleep 2
vf0=$(vf 0000:27:00.0 0) vf1=$(vf 0000:27:00.0 1) vf2=$(vf 0000:67:00.0 0)
intx=0000:00:04.0 msi=0000:00:08.0
bind_vfio "$vf0" "$vf1" "$vf2" 0000:44:00.0 0000:82:00.0 "$intx" "$msi"
# Node 0 is 0-9, node 1 10-19, node 2 20-29, node 3 30-39.
VMD_PIN=2,3,4,5 VMD_EMUPIN=0-1 VMD_RATES=40,20 start_vm vm1 4 "$vf0" "$vf1"
VMD_PIN=12,13 VMD_EMUPIN=10-11 VMD_RATES=20 start_vm vm2 2 0000:44:00.0
VMD_PIN=22,23,24 VMD_EMUPIN=20-21 VMD_RATES=20 start_vm vm3 3 "$vf2"
VMD_PIN=32,33 VMD_EMUPIN=30-31 VMD_RATES=20 start_vm vm4 2 0000:82:00.0
VMD_PIN=6 VMD_RATES=20 VMD_MODE=intx start_vm intx 1 "$intx"
VMD_PIN=16 VMD_RATES=20 VMD_MODE=msi start_vm msi 1 "$msi"
all="vm1 vm2 vm3 vm4 intx msi"
pause() {
  local name
  for name in $all; do
    signal_vm USR2 "$name"
  done
}
grep -E '^ *(CPU|[0-9]+:.*vfio-)' /proc/interrupts | tr -s ' ' >interrupts.txt
cores=$(vcpu_cores)
# Each on a vCPU of its own VM, as if someone had wished it so.
for irq in $(vm_irqs); do
  echo "2,12,22,32" >"/proc/irq/$irq/smp_affinity_list"
done
sleep 2
rises 3 >before.rises
holds "before: $(rises_on before.rises "$cores") of $(total_of before.rises) interrupts on vCPU cores" \
  test "$(rises_on before.rises "$cores")" -gt 0
same "no chip remaps" "$(grep vfio- /proc/interrupts | grep -c ' IR-')" 0
same "kinds" "$(awk '/vfio-/ {sub(/[[(].*/, "", $NF); print $NF}' /proc/interrupts | sort -u | xargs)" \
  "vfio-intx vfio-msi vfio-msix"
pause
sleep 1
masks >before.masks

tune show 0 show all
same "VMs" "$(json show '[.vms[].name] | sort | join(" ")')" "intx msi vm1 vm2 vm3 vm4"
same "VFs: their PF and VM" "$(json show "[.devices[] | select(.address == \"$vf0\" or .address == \"$vf2\")
  | \"\(.physfn) \(.vm)\"] | sort | join(\", \")")" "0000:27:00.0 vm1, 0000:67:00.0 vm3"
tune plan 0 plan
same "the plan protects the vCPUs' cores" "$(expand "$(json plan .protected)" | xargs)" "$cores"
tune apply 0 apply plan.json
same "apply's state" "$(json apply .state)" committed
say "results: $(json apply '[.results[].state] | group_by(.) | map("\(length) \(.[0])") | join(", ")')"
count_of() { json apply "[.results[] | select(.state == \"$1\")] | length"; }
holds "while the guests pause, $(count_of pending) are pending" test "$(count_of pending)" -gt 0
same "and the others in place, of" "$(($(count_of pending) + $(count_of ok)))" "$(json apply '.results | length')"
same "masks in the kernel that are not the plan's" \
  "$(vector_masks >/tmp/masks; targets_of plan | diff - /tmp/masks | wc -l)" 0
tune again 0 apply --min-gain 100 # Rates of a host that booted a minute ago still change.
same "a second apply" "$(json again .state)" nothing_to_do

say "the guests go on"
pause
sleep 3
rises 5 >after.rises
same "after: interrupts in 5 s on vCPU cores, of $(total_of after.rises)" "$(rises_on after.rises "$cores")" 0
same "after: interrupts elsewhere than planned" "$(strays after.rises plan | wc -l)" 0
same "vectors that are elsewhere than their mask says" "$(for irq in $(vm_irqs); do
  [ "$(mask_of "$irq")" = "$(effective_of "$irq")" ] || echo "$irq"
done | xargs)" ""
same "vectors away from their device's node" \
  "$(json plan '[.assignments[] | select(.locality == "remote")] | length')" 0
tune check 0 check
pause
sleep 1
tune rollback 0 rollback
masks >end.masks
holds "rollback restored every mask" cmp before.masks end.masks
pause
sleep 3
rises 3 >end.rises
holds "interrupts on vCPU cores are back: $(rises_on end.rises "$cores")" test "$(rises_on end.rises "$cores")" -gt 0
# shellcheck disable=SC2086
stop_vm $all
verdict
