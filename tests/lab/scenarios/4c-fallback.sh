# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 400
# lab: --qemu-arg -device
# lab: --qemu-arg nvme,serial=x1,bus=pcie.0,addr=0x9,max_ioqpairs=63,msix_qsize=64
# lab: --qemu-arg -device
# lab: --qemu-arg nvme,serial=x2,bus=pcie.0,addr=0xa,max_ioqpairs=63,msix_qsize=64
# lab: --qemu-arg -device
# lab: --qemu-arg nvme,serial=x3,bus=pcie.0,addr=0xb,max_ioqpairs=63,msix_qsize=64
# The default mask's CPU has no vector free when a guest boots: the kernel puts its vectors elsewhere, on a
# vCPU's core, and check and diagnose tell it.

outside() { # Vectors of vm1 that are delivered outside their masks
  for irq in $(irqs_of 0000:24:00.0); do
    case ",$(mask_of "$irq")," in *",$(effective_of "$irq"),"*) ;; *) echo "$irq" ;; esac
  done
}

say "== other devices take every vector of CPU 6"
set --
for address in 0000:00:09.0 0000:00:0a.0 0000:00:0b.0 0000:28:00.0 0000:48:00.0; do
  bind_vfio "$address"
  set -- "$@" "$address"
done
bind_vfio 0000:24:00.0
echo 40 >/proc/irq/default_smp_affinity # CPU 6
start_vm big 1 "$@"
taken=$(vm_irqs | while read -r irq; do effective_of "$irq"; done | sort | uniq -c | sort -rn | head -n 3 | xargs)
say "vectors and where they are: $taken"

say "== a guest boots"
VMD_PIN=0,1,2,3,4,5 VMD_EMUPIN=8-9 VMD_RATES=50 start_vm vm1 6 0000:24:00.0
sleep 5
strayed=$(outside | wc -l)
holds "the kernel put vectors outside their mask ($(mask_of "$(irqs_of 0000:24:00.0 | head -n 1)")): $strayed" \
  test "$strayed" -gt 0
cores=$(vcpu_cores)
collide=$(for irq in $(irqs_of 0000:24:00.0); do effective_of "$irq"; done |
  awk -v list="$cores" 'BEGIN {split(list, a, " "); for (i in a) on[a[i]] = 1} $1 in on {n++} END {print n + 0}')
say "$collide of them on vCPU cores ($cores)"
tune check 3 check --vm vm1
tune plan 0 plan --vm vm1
same "collisions by irqtune and by the kernel's files" "$(json plan .score.before.collisions)" "$collide"
tune diagnose 0 diagnose
holds "diagnose tells that vectors are outside their masks" \
  test "$(json diagnose '[.findings[] | select(.id == "effective-outside-mask")] | length')" = 1
tune apply 0 apply --vm vm1
same "vm1's vectors outside their masks after apply" "$(outside | wc -l)" 0
same "its masks that hold a vCPU core" "$(vector_masks | grep 0000:24 | wide_or_on "$cores" | wc -l)" 0
tune good 0 check --vm vm1
tune undo 0 rollback
stop_vm vm1 big
verdict
