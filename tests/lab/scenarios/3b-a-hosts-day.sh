# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 400
# A host's day: VMs pinned over each other's vectors, pinned anew, devices handed on, a driver loaded anew,
# a CPU off and on; check, apply, rollback and history are right at each step.

masks_hold_cores() { vector_masks | wide_or_on "$(vcpu_cores)" | wc -l; }
journals_in() { irqtune history --json | jq "[.applies[] | select(.state == \"$1\")] | length"; }
states() { json "$1" '[.. | objects | select(has("from") and has("state")) | .state] | unique | join(" ")'; }

put_right() { # WHAT: check tells it, apply mends it, check is content
  tune "$1-check" 3 check
  tune "$1-apply" 0 apply
  same "$1: masks in the kernel that hold a vCPU core" "$(masks_hold_cores)" 0
  tune "$1-again" 0 check
}

pin_vcpus() { # VM CPU...
  local task
  for task in /proc/"$(pid_of "$1")"/task/*; do
    case $(cat "$task/comm") in
      CPU*)
        taskset -p "$(printf %x $((1 << $2)))" "${task##*/}" >/dev/null
        set -- "$1" "$3" "$4" "$5"
        ;;
    esac
  done
}

bind_vfio 0000:24:00.0 0000:22:00.0 0000:44:00.0
masks | sort >morning.masks
VMD_PIN=2,3,4,5 VMD_EMUPIN=0-1 VMD_RATES=20,10,5 start_vm vm1 4 0000:24:00.0 0000:22:00.0
tune first 0 apply

say "== a VM is pinned onto CPUs that took the vectors"
VMD_PIN=0,1 VMD_EMUPIN=6-7 VMD_RATES=20,10,5 start_vm vm2 2 0000:44:00.0
put_right pinned-over

say "== vm1 is pinned anew while it runs"
pin_vcpus vm1 6 7 2 3
same "cores that vCPUs run on" "$(vcpu_cores)" "0 1 2 3 6 7"
put_right pinned-anew

say "== vm1 ends, vm3 takes its devices and their numbers"
stop_vm vm1
VMD_PIN=4,5 VMD_EMUPIN=8-9 VMD_RATES=20,10,5 start_vm vm3 2 0000:24:00.0 0000:22:00.0
vector_masks | grep -v 0000:44 >vm3.masks
tune handed-check 3 check
same "no vector is said to be changed by anyone" "$(json handed-check . | grep -c 'changed since')" 0
tune dry 0 rollback --all --dry-run
tune back 0 rollback --all
same "vm3's masks are as the kernel made them" "$(vector_masks | grep -v 0000:44)" "$(cat vm3.masks)"
same "journals left partial" "$(journals_in partial)" 0
same "journals left committed" "$(journals_in committed)" 0

say "== host interrupts too; then a driver is loaded anew"
tune evict 0 apply --scope evict
modprobe -r vmxnet3 2>/dev/null || rmmod vmxnet3
modprobe vmxnet3 2>/dev/null || insmod "$(find /lib/modules -name 'vmxnet3.ko*')"
for net in /sys/class/net/eth*; do ip link set "${net##*/}" up; done
irqtune check --scope evict --json >evict-check.json 2>evict-check.err
say "check --scope evict: $? with $(json evict-check '.drift | length') that drifted"
same "none is said to be changed by anyone" "$(json evict-check . | grep -c 'changed since')" 0
tune evict-back 0 rollback
same "journals left partial" "$(journals_in partial)" 0

say "== the CPU of a vector goes offline and comes back"
tune offline-apply 0 apply
same "masks in the kernel that hold a vCPU core" "$(masks_hold_cores)" 0
irq=$(irqs_of 0000:44:00.0 | head -n 1)
cpu=$(effective_of "$irq")
echo 0 >"/sys/devices/system/cpu/cpu$cpu/online"
say "CPU $cpu is off; IRQ $irq may go to $(mask_of "$irq"), goes to $(effective_of "$irq")"
tune offline-again 0 apply
tune offline-check 0 check
echo 1 >"/sys/devices/system/cpu/cpu$cpu/online"
tune online-check 0 check
tune end 0 rollback --all
same "journals left partial" "$(journals_in partial)" 0
same "journals left committed" "$(journals_in committed)" 0
stop_vm vm2 vm3
verdict
