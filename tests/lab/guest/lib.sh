# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# Shell functions for scenarios, which run in L1 under busybox's sh. A scenario claims things with
# `same`, `holds` and `tune`, each of which prints a line PASS or FAIL, and ends with `verdict`.

failures=0

say() {
  echo "[$(cut -d' ' -f1 /proc/uptime)] $*"
  echo "lab: $*" >/dev/console
}

pass() { say "PASS $*"; }

fail() {
  say "FAIL $*"
  failures=$((failures + 1))
}

# Exits with what the scenario comes to.
verdict() {
  [ "$failures" = 0 ] || say "$failures claims failed"
  exit "$((failures > 0))"
}

same() { # CLAIM GOT WANTED
  if [ "$2" = "$3" ]; then pass "$1: ${2:-nothing}"; else fail "$1: $2, not $3"; fi
}

holds() { # CLAIM COMMAND...
  local claim=$1
  shift
  if "$@" >/dev/null 2>&1; then pass "$claim"; else fail "$claim ($*)"; fi
}

# Runs irqtune with --json: what it prints becomes NAME.json and NAME.err. Claims its exit code.
tune() { # NAME EXIT_CODE ARGUMENT...
  local name=$1 wanted=$2 code=0
  shift 2
  irqtune "$@" --json >"$name.json" 2>"$name.err" || code=$?
  same "$name: \`irqtune $*\` exits with" "$code" "$wanted"
  [ "$code" = "$wanted" ] || sed 's/^/    /' "$name.err"
}

json() { # NAME FILTER: what jq's FILTER makes of NAME.json
  jq -r "$2" "$1.json"
}

wait_for() { # SECONDS COMMAND...
  local tries=$(($1 * 5))
  shift
  while [ "$tries" -gt 0 ]; do
    ! "$@" >/dev/null 2>&1 || return 0
    sleep 0.2
    tries=$((tries - 1))
  done
  return 1
}

# --- devices

bind_vfio() { # ADDRESS...
  local address device
  for address; do
    device=/sys/bus/pci/devices/$address
    [ ! -e "$device/driver" ] || echo "$address" >"$device/driver/unbind"
    echo vfio-pci >"$device/driver_override"
    echo "$address" >/sys/bus/pci/drivers_probe
    [ "$(basename "$(readlink "$device/driver")")" = vfio-pci ] || fail "$address is bound to vfio-pci"
  done
}

irqs_of() { # ADDRESS: the numbers of its vectors
  find "/sys/bus/pci/devices/$1/msi_irqs" -type f 2>/dev/null | sed 's/.*\///' | sort -n
}

irq_named() { # ACTION: the number of the interrupt with that handler
  grep -lxF "$1" /sys/kernel/irq/*/actions | cut -d/ -f5
}

vm_irqs() { # The numbers of all VMs' vectors
  grep -l vfio- /sys/kernel/irq/*/actions | cut -d/ -f5
}

mask_of() { cat "/proc/irq/$1/smp_affinity_list"; }

effective_of() { cat "/proc/irq/$1/effective_affinity_list"; }

# Every interrupt's mask and handlers, and the default: what a rollback must bring back.
masks() {
  grep -H . /proc/irq/[0-9]*/smp_affinity_list /proc/irq/default_smp_affinity /sys/kernel/irq/*/actions
}

# "NAME MASK" of the VMs' vectors: by name, because numbers may change.
vector_masks() {
  masks | awk '{at = index($0, ":"); split(substr($0, 1, at - 1), part, "/"); value = substr($0, at + 1)}
    part[2] == "proc" {mask[part[4]] = value}
    part[2] == "sys" && value ~ /vfio-/ {print value, mask[part[5]]}' | sort
}

# --- VMs

# Starts a double of QEMU; its pins and rates are in the environment (double/vmdouble.c).
start_vm() { # NAME VCPUS ADDRESS...
  local name=$1 vcpus=$2 address
  shift 2
  for address; do
    set -- "$@" -device "vfio-pci,host=$address"
    shift
  done
  /lab/double/qemu-system-x86_64 -name "guest=$name,debug-threads=on" -enable-kvm -machine q35 \
    -smp "$vcpus" -m 512 "$@" -daemonize -pidfile "/run/$name.pid" || fail "VM $name starts"
}

pid_of() { cat "/run/$1.pid"; }

stop_vm() { # NAME...
  local name pid
  for name; do
    pid=$(pid_of "$name")
    kill "$pid"
    wait_for 10 test ! -e "/proc/$pid" || fail "VM $name ends"
  done
}

signal_vm() { kill "-$1" "$(pid_of "$2")"; }

# The usual two: vm1 on node 0 with vCPUs on 2-5, vm2 on node 1 with vCPUs on 10 and 11; a NIC and an
# NVMe each.
start_two_vms() {
  bind_vfio 0000:24:00.0 0000:22:00.0 0000:44:00.0 0000:42:00.0
  VMD_PIN=2,3,4,5 VMD_EMUPIN=0-1 VMD_RATES=40,20,10 start_vm vm1 4 0000:24:00.0 0000:22:00.0
  VMD_PIN=10,11 VMD_EMUPIN=8-9 VMD_RATES=20,10,5 start_vm vm2 2 0000:44:00.0 0000:42:00.0
}

# --- CPUs

expand() { # LIST: its CPUs, a line each
  echo "$1" | tr ',' '\n' | awk -F- 'NF {for (c = $1; c <= $NF; c++) print c}'
}

# What the kernel says of the VMs' vCPU threads: their CPUs and the siblings of these, on one line.
# Threads that may run anywhere do not count.
vcpu_cores() {
  local comm online cpus cpu
  online=$(cat /sys/devices/system/cpu/online)
  grep -lE '^CPU [0-9]+/(KVM|TCG)$' /proc/[0-9]*/task/*/comm 2>/dev/null | while read -r comm; do
    cpus=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "${comm%comm}status")
    [ "$cpus" != "$online" ] || continue
    for cpu in $(expand "$cpus"); do
      expand "$(cat "/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list")"
    done
  done | sort -nu | xargs
}

# Nanoseconds for which this emulated CPU really ran (`# lab: --with clock`). L1's own clock goes on
# while a busy machine lets its CPUs wait.
ran() { # CPU
  [ -d /clock ] || {
    mkdir /clock
    mount -t 9p -o trans=virtio,version=9p2000.L clock /clock
    grep '^CPU [0-9]*/TCG$' /clock/*/comm | tr '/ ' '  ' | awk '{print $4, $2}' >/tmp/clock.threads
  }
  cut -d' ' -f1 "/clock/$(awk -v cpu="$1" '$1 == cpu {print $2}' /tmp/clock.threads)/schedstat"
}

# --- counts

# "NAME CPU COUNT" for each VM's vector and CPU, from /proc/interrupts. Columns go by the header.
counts() {
  awk 'NR == 1 {for (i = 1; i <= NF; i++) cpu[i] = substr($i, 4); n = NF; next}
    $NF ~ /^vfio-/ {for (i = 1; i <= n; i++) print $NF, cpu[i], $(i + 1)}' /proc/interrupts
}

# What the counts rose by in SECONDS: "NAME CPU COUNT" where not 0.
rises() { # SECONDS
  counts >/tmp/counts.before
  sleep "$1"
  counts | awk 'NR == FNR {old[$1 " " $2] = $3; next}
    {d = $3 - old[$1 " " $2]; if (d > 0) print $1, $2, d}' /tmp/counts.before -
}

# Interrupts in a file of rises that are on one of the CPUs.
rises_on() { # FILE "CPU..."
  awk -v list="$2" 'BEGIN {split(list, a, " "); for (i in a) on[a[i]] = 1} $2 in on {n += $3}
    END {print n + 0}' "$1"
}

total_of() { # FILE of rises
  awk '{n += $3} END {print n + 0}' "$1"
}

# "NAME CPU" of a plan's or an apply's targets, as /proc/interrupts names the vectors.
targets_of() { # NAME of a plan --json
  json "$1" '.assignments[] | select(.vector) | "\(.action) \(.to)"' | sort
}

# Rises that are not where the plan put the vector.
strays() { # FILE-OF-RISES PLAN
  targets_of "$2" >/tmp/targets
  awk 'NR == FNR {to[$1] = $2; next} to[$1] != $2 {print}' /tmp/targets "$1"
}

# Of "NAME MASK" lines, those whose mask is more than one CPU or has one of the CPUs.
wide_or_on() { # "CPU..."
  awk -v list="$1" 'BEGIN {split(list, a, " "); for (i in a) on[a[i]] = 1}
    $2 !~ /^[0-9]+$/ || $2 in on'
}
