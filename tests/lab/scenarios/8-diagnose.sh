# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 420
# lab: --with irqbalance
# What diagnose prints, copied and run, makes its finding go away: vectors on vCPUs' cores and on a
# remote node, QEMU's own threads, the default mask, irqbalance. Each command is read from the remedy.

# --- findings

count_of() { json "$1" "[.findings[] | select(.id == \"$2\")] | length"; } # NAME ID
of() { json "$1" ".findings[] | select(.id == \"$2\") | $3"; }             # NAME ID FILTER

present() { same "$1: $2" "$(count_of "$1" "$2")" 1; } # NAME ID
gone() { same "$1: $2" "$(count_of "$1" "$2")" 0; }    # NAME ID

# What is there to be copied: the steps that are commands of irqtune's, and each line that a step with a
# colon at its end announces.
to_copy() { # NAME ID
  # shellcheck disable=SC2016 # These are jq's variables.
  of "$1" "$2" '.remedy as $r | range($r | length) as $i | $r[$i]
    | select(startswith("irqtune ") or ($i > 0 and ($r[$i - 1] | endswith(":"))))'
}

# Runs the first of them that begins with START, in a shell, as it stands there.
carry_out() { # NAME ID START
  command=$(to_copy "$1" "$2" | grep "^$3" | head -1)
  holds "$1: $2 has a command: $command" test -n "$command"
  code=0
  sh -c "$command" >"$2.out" 2>&1 || code=$?
  same "\`$command\` exits with" "$code" 0
  [ "$code" = 0 ] || sed 's/^/    /' "$2.out"
}

# --- what the kernel says

# How many interrupts with ADDRESS in their handler's name the kernel delivers to one of the CPUs.
delivered_to() { # ADDRESS "CPU..."
  grep -lF "$1" /sys/kernel/irq/*/actions | cut -d/ -f5 | while read -r irq; do
    effective_of "$irq"
  done | awk -v list="$2" 'BEGIN {split(list, a, " "); for (i in a) on[a[i]] = 1} $1 in on {n++}
    END {print n + 0}'
}

# Puts an address's vectors on CPUs, one after the other.
put() { # ADDRESS CPU...
  address=$1
  shift
  for irq in $(irqs_of "$address"); do
    echo "$1" >"/proc/irq/$irq/smp_affinity_list"
    set -- "$@" "$1"
    shift
  done
}

default_mask() { cat /proc/irq/default_smp_affinity; }

# --- vectors on vCPUs' cores and on a remote node

bind_vfio 0000:24:00.0 0000:22:00.0 0000:44:00.0 0000:42:00.0
VMD_PIN=2,3,4,5 VMD_EMUPIN=0-1 VMD_RATES=40,20,10 start_vm vm1 4 0000:24:00.0 0000:22:00.0
VMD_PIN=10,11 VMD_RATES=20,10,5 start_vm vm2 2 0000:44:00.0
put 0000:24:00.0 2 3 4 5
put 0000:22:00.0 5 4 3 2
put 0000:44:00.0 6 7 # Node 0; the device is on node 1.
sleep 1
cores=$(vcpu_cores)
same "vCPUs' cores" "$cores" "2 3 4 5 10 11"

tune before 3 diagnose --sample 3 --fail-on warning
present before vector-on-vcpu
present before vector-remote
same "the vectors it names are those that the kernel delivers to vCPUs' cores" \
  "$(of before vector-on-vcpu '.irqs | length')" "$(delivered_to vfio- "$cores")"
same "the remote ones, too" "$(of before vector-remote '.irqs | length')" "$(delivered_to 0000:44:00.0 "0 1 6 7")"
rises 3 >before.rises
holds "interrupts in 3 s on vCPUs' cores: $(rises_on before.rises "$cores")" \
  test "$(rises_on before.rises "$cores")" -gt 0

carry_out before vector-on-vcpu "irqtune apply"
tune moved 0 diagnose --sample 3
gone moved vector-on-vcpu
present moved vector-remote
same "vectors that the kernel delivers to vCPUs' cores" "$(delivered_to vfio- "$cores")" 0

carry_out moved vector-remote "irqtune apply"
tune near 0 diagnose --sample 3
gone near vector-on-vcpu
gone near vector-on-vcpu-sibling
gone near vector-remote
same "vectors of vm2 that the kernel delivers to node 0" "$(delivered_to 0000:44:00.0 "0 1 2 3 4 5 6 7")" 0
rises 3 >near.rises
same "interrupts in 3 s on vCPUs' cores, of $(total_of near.rises)" "$(rises_on near.rises "$cores")" 0
holds "interrupts still come" test "$(total_of near.rises)" -gt 100

# --- QEMU's own threads, of vm2, which may run anywhere

# "NAME CPUS" of its threads.
threads_of() { # VM
  for task in "/proc/$(pid_of "$1")/task"/*; do
    echo "$(tr ' ' _ <"$task/comm") $(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "$task/status")"
  done
}
present near emulator-on-vcpu
same "it is about" "$(of near emulator-on-vcpu '.vms | join(" ")')" vm2
carry_out near emulator-on-vcpu "ls "
tune pinned 0 diagnose
gone pinned emulator-on-vcpu
same "the vCPUs are where they were" "$(threads_of vm2 | grep '/KVM' | sort | xargs)" "CPU_0/KVM 10 CPU_1/KVM 11"
same "all other threads" "$(threads_of vm2 | grep -v '/KVM' | cut -d' ' -f2 | sort -u)" "8-9,12-15"

# --- the default mask, with a VM that is defined and does not run yet

mkdir -p /etc/libvirt/qemu
cat >/etc/libvirt/qemu/vm3.xml <<X
<domain type='kvm'><name>vm3</name><uuid>3c2b1a09-0000-4000-8000-000000000003</uuid><memory unit='MiB'>512</memory>
<vcpu placement='static'>2</vcpu><cputune><vcpupin vcpu='0' cpuset='12'/><vcpupin vcpu='1' cpuset='13'/></cputune>
<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>
X
same "default_smp_affinity" "$(default_mask)" ffff
tune mask 0 diagnose --include-defined
present mask default-affinity-on-vcpu
same "the CPUs it names" "$(of mask default-affinity-on-vcpu '.cpus | join(" ")')" "$cores 12 13"
carry_out mask default-affinity-on-vcpu "irqtune apply"
same "default_smp_affinity" "$(default_mask)" c3c3
tune masked 0 diagnose --include-defined
gone masked default-affinity-on-vcpu

VMD_PIN=12,13 VMD_EMUPIN=8-9 VMD_RATES=20 start_vm vm3 2 0000:42:00.0
sleep 1
cores=$(vcpu_cores)
same "vCPUs' cores, with those of vm3" "$cores" "2 3 4 5 10 11 12 13"
tune later 0 diagnose --sample 3
gone later vector-on-vcpu
gone later default-affinity-on-vcpu
same "vectors of vm3: the kernel delivers to vCPUs' cores" "$(delivered_to 0000:42:00.0 "$cores")" 0
rises 3 | grep 0000:42:00.0 >vm3.rises
same "interrupts of vm3 in 3 s on vCPUs' cores, of $(total_of vm3.rises)" "$(rises_on vm3.rises "$cores")" 0
holds "and they come" test "$(total_of vm3.rises)" -gt 50

# --- irqbalance

# The stand-in for systemctl does what systemd does with Debian's unit: it reads the variables from the
# file, and starts irqbalance with them.
cat >/usr/sbin/systemctl <<'X'
#!/bin/sh
[ "$*" = "restart irqbalance" ] || exit 1
for pid in $(pidof irqbalance); do
  kill "$pid"
  while [ -e "/proc/$pid/exe" ]; do sleep 0.1; done
done
set -a
. /etc/default/irqbalance
set +a
# shellcheck disable=SC2086
/usr/sbin/irqbalance --foreground $IRQBALANCE_ARGS >/tmp/irqbalance.log 2>&1 </dev/null &
X
chmod 755 /usr/sbin/systemctl

# What the kernel shows of irqbalance: its words, its variables.
balance_has() { tr '\0' '\n' <"/proc/$(pidof irqbalance)/$1" | grep -qx -e "$2"; } # cmdline|environ TEXT
runs_balance() { balance_has cmdline /usr/sbin/irqbalance; }
# The CPUs of masks that are in the second file and not in the first.
written_cpus() { # BEFORE AFTER
  grep -vxF -f "$1" "$2" | sed -n 's/.*smp_affinity_list://p' | while read -r mask; do
    expand "$mask"
  done
}
moved_from() { ! vector_masks | cmp -s "$1" - || return 1; }            # FILE
others_moved_from() { ! masks | grep -v vfio | cmp -s "$1" - || return 1; } # FILE

# Does as a remedy says that names a file: its line takes the place of the variable's old one.
put_line() { # NAME ID VARIABLE
  line=$(to_copy "$1" "$2" | grep "^$3=" | head -1)
  file=$(of "$1" "$2" '.remedy[]' | sed -n 's/.*in \(\/[^ :,]*\).*:$/\1/p' | head -1)
  holds "$1: $2 has a line for $file: $line" test -n "$line" -a -e "$file"
  sed -i "/^$3=/d" "$file"
  echo "$line" >>"$file"
}

restart() { # NAME ID
  command=$(of "$1" "$2" '.remedy[]' | grep '^systemctl ')
  holds "\`$command\` starts it anew" sh -c "$command"
  wait_for 10 runs_balance || fail "irqbalance runs"
}

# Rounds of a second, so that some pass here. The admin's own option has to survive the remedy.
mkdir -p /etc/default
echo 'IRQBALANCE_ARGS="--interval=1"' >/etc/default/irqbalance
vector_masks >placed.masks
systemctl restart irqbalance
wait_for 10 runs_balance || fail "irqbalance runs"
tune balanced 3 diagnose --fail-on warning
present balanced irqbalance-moves-vectors
present balanced irqbalance-cpus
holds "irqbalance moves the VMs' vectors" wait_for 30 moved_from placed.masks

put_line balanced irqbalance-moves-vectors IRQBALANCE_ARGS
restart balanced irqbalance-moves-vectors
holds "the kernel shows it with the ban" balance_has cmdline --banmod=vfio
holds "and with the admin's option" balance_has cmdline --interval=1
tune banned 0 diagnose
gone banned irqbalance-moves-vectors
present banned irqbalance-cpus
tune again 0 apply # What it moved before.
same "results that are not ok" "$(json again '[.results[] | select(.state != "ok" and .state != "unchanged")] | length')" 0
vector_masks >placed.masks
sleep 6
holds "6 rounds later the VMs' vectors are where apply put them" test "$(vector_masks)" = "$(cat placed.masks)"

put_line banned irqbalance-cpus IRQBALANCE_BANNED_CPULIST
masks | grep -v vfio >others.masks
echo "$cores" | tr ' ' '\n' >/tmp/cores
restart banned irqbalance-cpus
holds "the kernel shows it with the list of CPUs" balance_has environ IRQBALANCE_BANNED_CPULIST=2-5,10-13
tune quiet 0 diagnose
gone quiet irqbalance-moves-vectors
gone quiet irqbalance-cpus
holds "it goes on balancing the host's interrupts" wait_for 30 others_moved_from others.masks
sleep 6
masks | grep -v vfio >now.masks
same "vCPUs' cores in masks that it wrote since" "$(written_cpus others.masks now.masks | grep -cxF -f /tmp/cores)" 0
holds "and leaves the VMs' vectors" test "$(vector_masks)" = "$(cat placed.masks)"
tune end 0 diagnose --sample 3
gone end vector-on-vcpu
gone end vector-on-vcpu-sibling
gone end vector-remote
gone end default-affinity-on-vcpu
same "warnings that are left" "$(json end '[.findings[] | select(.severity != "info") | .id] | join(" ")')" ""
kill "$(pidof irqbalance)"
stop_vm vm1 vm2 vm3
verdict
