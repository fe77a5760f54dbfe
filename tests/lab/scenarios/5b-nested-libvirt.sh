# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --with nested
# lab: --with libvirt
# lab: --timeout 580
# A real guest as libvirt starts it: pins by vcpupin and cgroups, hostdevs that libvirt binds itself.

nic=0000:24:00.0 disk=0000:22:00.0
mkdir -p /run/libvirt /var/run
[ -e /var/run/libvirt ] || ln -s /run/libvirt /var/run/libvirt
libvirtd -d >/out/libvirtd.out 2>&1 || fail "libvirtd starts"
export LIBVIRT_DEFAULT_URI=qemu:///system
for _ in 1 2 3 4 5 6; do
  ! timeout 30 virsh version >/dev/null 2>&1 || break
done
hostdev() { # BUS
  echo "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x$1' slot='0x00'
    function='0x0'/></source><rom bar='off'/></hostdev>"
}
cat >/tmp/vm1.xml <<X
<domain type='kvm'>
  <name>vm1</name><memory unit='MiB'>512</memory><vcpu placement='static'>2</vcpu><iothreads>1</iothreads>
  <cputune><vcpupin vcpu='0' cpuset='2'/><vcpupin vcpu='1' cpuset='3'/><emulatorpin cpuset='0-1'/>
    <iothreadpin iothread='1' cpuset='0-1'/></cputune>
  <numatune><memory mode='strict' nodeset='0'/></numatune>
  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>/l2/vmlinuz</kernel><initrd>/l2/initrd</initrd>
    <cmdline>console=ttyS0 quiet loglevel=4 mitigations=off nokaslr tsc=reliable no_timer_check random.trust_cpu=on</cmdline></os>
  <features><acpi/><apic/></features><cpu mode='host-passthrough' check='none'/>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/><memballoon model='none'/>
    <serial type='file'><source path='/out/guest.log'/><target port='0'/></serial>
    $(hostdev 24) $(hostdev 22)
  </devices>
</domain>
X
virsh define /tmp/vm1.xml >/dev/null || fail "virsh define"
uuid=$(virsh domuuid vm1 | head -1)

say "defined, not started"
tune defined 0 show vms
same "VM" "$(json defined '.vms[] | "\(.name) \(.state) \(.uuid)"')" "vm1 defined $uuid"
tune without 0 plan
same "it protects nothing" "$(json without .protected)" ""
tune with 0 plan --include-defined
same "but with --include-defined" "$(json with .protected)" "2-3"

say "started"
timeout 200 virsh start vm1 >/dev/null || fail "virsh start"
cp /run/libvirt/qemu/vm1.pid /run/vm1.pid
wait_for 200 grep -q 'drivers up' /out/guest.log
holds "its drivers are up" grep -q 'drivers up' /out/guest.log
cores=$(vcpu_cores)
same "the guest's vCPU cores, says the kernel" "$cores" "2 3"
tune vms 0 show vms
same "VM" "$(json vms '.vms[] | "\(.name) \(.state) \(.uuid) \(.pid)"')" "vm1 running $uuid $(pid_of vm1)"
same "its vCPUs" "$(json vms '[.vms[0].vcpus[] | "\(.id)=\(.cpus)"] | join(" ")')" "0=2 1=3"
same "as virsh says" "$(virsh vcpupin vm1 | awk 'NF == 2 && $1 ~ /^[0-9]/ {print $1 "=" $2}' | xargs)" "0=2 1=3"
same "its threads" "$(json vms '.vms[0].vcpus[].tid' | while read -r tid; do cat "/proc/$(pid_of vm1)/task/$tid/comm"; done | xargs)" \
  "CPU 0/KVM CPU 1/KVM"
same "its emulator and iothread" "$(json vms '.vms[0] | "\(.emulator) \([.iothreads[] | "\(.id)=\(.cpus)"] | join(" "))"')" "0-1 iothread1=0-1"
same "its devices" "$(json vms '.vms[0].devices | sort | join(" ")')" "$disk $nic"
tune plan 0 plan
say "warnings: $(json plan '.warnings | join("; ")')"
same "warnings of pins that differ" "$(json plan '[.warnings[] | select(test("pins"))] | length')" 0
same "the plan protects" "$(json plan .protected)" "2-3"
same "vectors in the plan" "$(json plan '.assignments | length')" "$(vm_irqs | wc -l)"
tune apply 0 apply --wait-stable
same "apply's state" "$(json apply .state)" committed
same "masks in the kernel that hold a vCPU core" "$(vector_masks | wide_or_on "$cores" | wc -l)" 0
rises 5 >after.rises
same "interrupts in 5 s on vCPU cores, of $(total_of after.rises)" "$(rises_on after.rises "$cores")" 0
holds "the guest's interrupts come" test "$(total_of after.rises)" -gt 0
tune check 0 check

say "destroyed: libvirt gives the devices back to their drivers"
virsh destroy vm1 >/dev/null || fail "virsh destroy"
wait_for 20 test "$(basename "$(readlink "/sys/bus/pci/devices/$nic/driver")")" = e1000e
wait_for 20 test "$(basename "$(readlink "/sys/bus/pci/devices/$disk/driver")")" = nvme
settled() { # Its queues come one after another.
  masks >before.masks
  sleep 3
  masks | cmp before.masks -
}
holds "the host's drivers have their interrupts" wait_for 20 settled
tune gone 0 rollback
same "results of a rollback" "$(json gone '[.results[].state] | unique | join(" ")')" vanished
masks >after.masks
holds "the host's interrupts, which have the numbers now, were not written" cmp before.masks after.masks
verdict
