# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 240
# A guest reboots after apply: its vectors come back with default masks, check says so, and apply
# --wait-stable waits for the guest's driver to ask for the last one.

bind_vfio 0000:24:00.0 0000:22:00.0 0000:44:00.0
VMD_PIN=2,3,4,5 VMD_EMUPIN=0-1 VMD_RATES=20 VMD_STEP_MS=1000 start_vm vm1 4 0000:24:00.0 0000:22:00.0
VMD_PIN=10,11 VMD_EMUPIN=8-9 VMD_RATES=20 start_vm vm2 2 0000:44:00.0
cores=$(vcpu_cores)
vectors_of() { irqs_of "$1" | wc -l; }

tune plan 0 plan
tune apply 0 apply plan.json
same "apply's state" "$(json apply .state)" committed
tune check 0 check
vector_masks >applied.masks

say "vm1 reboots; its vectors come one by one"
signal_vm USR1 vm1
some_of_disk() { [ "$(vectors_of 0000:22:00.0)" -lt 9 ]; }
holds "the kernel has freed vectors of vm1" wait_for 20 some_of_disk
tune early 3 check
seen=$(vectors_of 0000:22:00.0)
tune settled 0 apply --wait-stable=4
holds "apply began while the driver had $seen of 9 vectors" test "$seen" -lt 9
holds "check named vm1's vectors: $(json early '.drift | length')" \
  test "$(json early '[.drift[] | select(.vm == "vm1")] | length')" -gt 0
same "check said nothing of vm2" "$(json early '[.drift[] | select(.vm == "vm2")] | length')" 0
same "vectors of vm1 now" "$(vectors_of 0000:24:00.0) $(vectors_of 0000:22:00.0)" "5 9"
same "apply --wait-stable's state" "$(json settled .state)" committed
tune after 0 check
same "check: in place" "$(json after .in_place)" true
vector_masks >after.masks
same "masks in the kernel that hold a vCPU core" "$(wide_or_on "$cores" <after.masks | wc -l)" 0
rises 5 >after.rises
same "interrupts in 5 s on vCPU cores, of $(total_of after.rises)" "$(rises_on after.rises "$cores")" 0

say "vm2 reboots at once: default masks"
before=$(vector_masks | grep 0000:44:00.0)
signal_vm USR1 vm2
changed() { [ "$(vector_masks | grep -c 0000:44:00.0)" = 5 ] && [ "$(vector_masks | grep 0000:44:00.0)" != "$before" ]; }
holds "the kernel gave vm2's vectors other masks" wait_for 10 changed
same "masks of vm2" "$(vector_masks | grep 0000:44:00.0 | cut -d' ' -f2 | sort -u)" 8-15
tune drift 3 check
same "check: vectors of vm2 that drifted" "$(json drift '[.drift[] | select(.vm == "vm2")] | length')" 5
tune plain 3 plan --detailed-exitcode
tune again 0 apply
same "masks in the kernel that hold a vCPU core" "$(vector_masks | wide_or_on "$cores" | wc -l)" 0
tune end 0 check
stop_vm vm1 vm2
verdict
