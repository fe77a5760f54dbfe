# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 240
# apply --default-affinity before a VM starts: its vectors then begin on housekeeping CPUs, without
# any further apply.

mkdir -p /etc/libvirt/qemu
cat >/etc/libvirt/qemu/vm3.xml <<X
<domain type='kvm'><name>vm3</name><uuid>3c2b1a09-0000-4000-8000-000000000003</uuid><memory unit='MiB'>512</memory>
<vcpu placement='static'>2</vcpu><cputune><vcpupin vcpu='0' cpuset='12'/><vcpupin vcpu='1' cpuset='13'/></cputune>
<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>
X
bind_vfio 0000:24:00.0 0000:44:00.0 0000:42:00.0
VMD_PIN=2,3,4,5 VMD_EMUPIN=0-1 VMD_RATES=20 start_vm vm1 4 0000:24:00.0
VMD_PIN=10,11 VMD_EMUPIN=8-9 VMD_RATES=20 start_vm vm2 2 0000:44:00.0
start_vm3() { VMD_PIN=12,13 VMD_EMUPIN=8-9 VMD_RATES=20 start_vm vm3 2 0000:42:00.0; }
default_mask() { cat /proc/irq/default_smp_affinity; }
of_vm3() { vector_masks | grep 0000:42:00.0; }

say "the control: vm3 starts as it would without irqtune"
start_vm3
cores=$(vcpu_cores)
sleep 1
rises 3 | grep 0000:42:00.0 >control.rises
holds "vm3's vectors interrupt vCPU cores: $(rises_on control.rises "$cores")" test "$(rises_on control.rises "$cores")" -gt 0
same "vCPU cores" "$cores" "2 3 4 5 10 11 12 13"
stop_vm vm3

masks >before.masks
same "default_smp_affinity before" "$(default_mask)" ffff
tune plan 0 plan --default-affinity --include-defined
same "housekeeping CPUs, with those of vm3 left out" "$(json plan .housekeeping)" "0-1,6-9,14-15"
tune apply 0 apply --default-affinity --include-defined
same "apply's state" "$(json apply .state)" committed
same "default_smp_affinity" "$(default_mask)" c3c3
same "as irqtune planned" "$(json plan .default_affinity.to)" "0-1,6-9,14-15"
start_vm3
sleep 1
rises 5 >after.rises
grep 0000:42:00.0 after.rises >vm3.rises
same "masks of vm3 in the kernel" "$(of_vm3 | cut -d' ' -f2 | sort -u)" "8-9,14-15"
same "vm3's interrupts in 5 s on vCPU cores, of $(total_of vm3.rises)" "$(rises_on vm3.rises "$cores")" 0
same "everyone's, of $(total_of after.rises)" "$(rises_on after.rises "$cores")" 0
tune plan3 0 plan
same "collisions, says irqtune" "$(json plan3 .score.before.collisions)" 0
stop_vm vm3
tune rollback 0 rollback
masks >end.masks
holds "rollback restored every mask and the default" cmp before.masks end.masks
stop_vm vm1 vm2
verdict
