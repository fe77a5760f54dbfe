# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 240
# lab: --topo 2x2x1
# lab: --qemu-arg -device
# lab: --qemu-arg virtio-serial-pci,max_ports=31,vectors=66,bus=pcie.0,addr=0x9
# lab: --qemu-arg -device
# lab: --qemu-arg virtio-serial-pci,max_ports=31,vectors=66,bus=pcie.0,addr=0xa
# lab: --qemu-arg -device
# lab: --qemu-arg virtio-serial-pci,max_ports=31,vectors=66,bus=pcie.0,addr=0xb
# lab: --qemu-arg -device
# lab: --qemu-arg virtio-serial-pci,max_ports=31,vectors=66,bus=pcie.0,addr=0xc
# Host devices hold every vector of the housekeeping CPU, then a guest boots: the kernel delivers its
# interrupts outside the mask, on the vCPU's core. check and diagnose say so, and why; apply ends it.

# Node 0 has CPUs 0 and 1, node 1 has 2 and 3.
bind_vfio 0000:24:00.0 0000:44:00.0
modprobe virtio_console
host_vectors() {
  for address in 0000:00:09.0 0000:00:0a.0 0000:00:0b.0 0000:00:0c.0; do
    irqs_of "$address"
  done
}
say "host devices have $(host_vectors | wc -l) vectors"
# Everything that wants to be there; then it is full.
fill() { # CPU
  for irq in $(host_vectors); do
    echo "$1" >"/proc/irq/$irq/smp_affinity_list" || return 0
  done 2>/tmp/full
}
fill 0
same "CPU 0 is full: a write is refused with" "$(sed 's/.*: //' /tmp/full)" "No space left on device"

say "guests boot; new vectors ask for CPU 0 alone"
echo 1 >/proc/irq/default_smp_affinity
VMD_PIN=1 VMD_EMUPIN=0 VMD_RATES=20 start_vm vm1 1 0000:24:00.0
outside() { # ADDRESS: how many of its vectors the kernel delivers outside their mask
  irqs_of "$1" | while read -r irq; do
    expand "$(mask_of "$irq")" | grep -qx "$(effective_of "$irq")" || echo "$irq"
  done | wc -l
}
same "masks of vm1" "$(vector_masks | grep 0000:24:00.0 | cut -d' ' -f2 | sort -u)" 0
vectors=$(irqs_of 0000:24:00.0 | wc -l)
for irq in $(irqs_of 0000:24:00.0); do
  say "irq $irq: mask $(mask_of "$irq"), effective $(effective_of "$irq")"
done
astray=$(outside 0000:24:00.0)
holds "delivered outside their mask: $astray of $vectors" test "$astray" -gt 0
cores=$(vcpu_cores)
same "vCPU cores" "$cores" 1
rises 3 >before.rises
hit=$(rises_on before.rises "$cores")
holds "interrupts in 3 s on the vCPU's core: $hit of $(total_of before.rises)" test "$hit" -gt 0

tune show 0 show irqs
tune check 3 check
irqtune check >check.txt 2>&1
cat check.txt
holds "check names the cause" grep -q 'no vector was free on 0, which it asked for' check.txt
tune diagnosis 0 diagnose
same "diagnose: vectors on the vCPU" "$(json diagnosis '.findings[] | select(.id == "vector-on-vcpu") | .irqs | length')" "$astray"
holds "diagnose names the cause" grep -q 'no vector was free on what' diagnosis.json
same "effective-outside-mask" "$(json diagnosis '[.findings[] | select(.id == "effective-outside-mask")] | length')" 1
tune fail 3 diagnose --fail-on warning

say "apply ends it"
tune apply 0 apply
json apply '.results[] | "\(.irq) \(.from) \(.to) \(.state)"'
rises 3 >after.rises
same "interrupts in 3 s on the vCPU's core, of $(total_of after.rises)" "$(rises_on after.rises "$cores")" 0
# Nothing tells any more that CPU 0 is full, but for a budget, with which the host's own masks are counted.
tune end 0 check --max-vectors-per-cpu 150
stop_vm vm1
verdict
