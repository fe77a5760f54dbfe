# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --with nested
# lab: --timeout 580
# A real guest in real QEMU with KVM: its drivers make the vectors, and lose them when it reboots.

nic=0000:24:00.0 disk=0000:22:00.0
bind_vfio "$nic" "$disk"
start_guest() {
  : >/out/guest.log
  mkfifo /tmp/line.in /tmp/line.out
  taskset -c 0-1 qemu-system-x86_64 -name guest=vm1,debug-threads=on -enable-kvm -cpu host -machine q35 -smp 2 -m 512 \
    -nodefaults -no-user-config -display none -serial file:/out/guest.log -serial pipe:/tmp/line \
    -kernel /l2/vmlinuz -initrd /l2/initrd \
    -append "console=ttyS0 quiet loglevel=4 mitigations=off nokaslr tsc=reliable no_timer_check random.trust_cpu=on" \
    -device pcie-root-port,id=r1,slot=1 -device pcie-root-port,id=r2,slot=2 \
    -device "vfio-pci,host=$nic,bus=r1,rombar=0" -device "vfio-pci,host=$disk,bus=r2" \
    -pidfile /run/vm1.pid >/out/guest-qemu.log 2>&1 &
  wait_for 60 test -s /run/vm1.pid
}
pin() { # THREAD CPUS
  local comm
  comm=$(grep -lx "$1" "/proc/$(pid_of vm1)"/task/*/comm)
  taskset -pc "$2" "$(echo "$comm" | cut -d/ -f5)" >/dev/null || fail "$1 is pinned"
}

start_guest
wait_for 30 grep -qx 'CPU 1/KVM' "/proc/$(pid_of vm1)"/task/*/comm
pin 'CPU 0/KVM' 2
pin 'CPU 1/KVM' 3
cores=$(vcpu_cores)
same "the guest's vCPU cores, says the kernel" "$cores" "2 3"
say "the guest boots; apply --wait-stable waits for its drivers"
wait_for 60 grep -q vfio-msix /proc/interrupts
wait_for 300 grep -q 'drivers up' /out/guest.log
holds "its drivers are up" grep -q 'drivers up' /out/guest.log

tune vms 0 show vms
same "VM" "$(json vms '.vms[] | "\(.name) \(.state) \(.pid)"')" "vm1 running $(pid_of vm1)"
same "its vCPUs" "$(json vms '[.vms[0].vcpus[] | "\(.id)=\(.cpus)"] | join(" ")')" "0=2 1=3"
same "its vCPUs are dedicated" "$(json vms '[.vms[0].vcpus[].dedicated] | unique[]')" true
same "its emulator" "$(json vms '.vms[0].emulator')" "0-1"
same "its devices" "$(json vms '.vms[0].devices | sort | join(" ")')" "$disk $nic"
tune plan 0 plan
same "vectors in the plan" "$(json plan '.assignments | length')" "$(vm_irqs | wc -l)"
tune apply 0 apply --wait-stable
same "apply's state" "$(json apply .state)" committed
same "masks in the kernel that hold a vCPU core" "$(vector_masks | wide_or_on "$cores" | wc -l)" 0
rises 5 >after.rises
same "interrupts in 5 s on vCPU cores, of $(total_of after.rises)" "$(rises_on after.rises "$cores")" 0
holds "the guest's interrupts come" test "$(total_of after.rises)" -gt 0
tune check 0 check

say "the guest reboots by itself"
echo reboot >/tmp/line.in
wait_for 120 grep -q 'L2: reboot' /out/guest.log
reset() { [ -n "$(vector_masks | wide_or_on "$cores")" ] || [ -z "$(vm_irqs)" ]; }
holds "its vectors went or came with other masks" wait_for 120 reset
booted() { [ "$(grep -c 'drivers up' /out/guest.log)" -ge 2 ]; }
wait_for 60 grep -q vfio-msix /proc/interrupts
tune settled 0 apply --wait-stable=4 --timeout 200
wait_for 200 booted
holds "its drivers are up again" booted
tune late 0 apply --wait-stable
tune check 0 check
same "masks in the kernel that hold a vCPU core" "$(vector_masks | wide_or_on "$cores" | wc -l)" 0
rises 5 >end.rises
same "interrupts in 5 s on vCPU cores, of $(total_of end.rises)" "$(rises_on end.rises "$cores")" 0
stop_vm vm1
tune gone 0 rollback --all
same "after the guest: results of a rollback" "$(json gone '[.results[].state] | unique | join(" ")')" vanished
verdict
