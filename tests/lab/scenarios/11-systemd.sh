# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# lab: --timeout 900
# lab: --with systemd
# lab: --qemu 10
# The package under a real systemd: its units write masks with all their hardening, the watchdog is fed, stop,
# reload, kill -9 and a reboot are right, and removing it leaves the host as it was.

earlier=/var/lib/lab.failures
state() { systemctl show -P "$1" irqtune.service; } # PROPERTY
is() { test "$(state "$1")" = "$2"; }               # PROPERTY VALUE
clear_of_cores() { [ "$(vector_masks | wide_or_on "$cores" | wc -l)" = 0 ]; }
in_place() { clear_of_cores && irqtune check >check.out 2>&1; }
said() { journalctl -u irqtune.service --no-pager -o cat | grep -qE -- "$1"; }
other_pid() { ! is MainPID "$1" && ! is MainPID 0 && is ActiveState active; }
same_masks() { vector_masks | cmp -s - "$1"; } # FILE
vms() {
  bind_vfio 0000:24:00.0 0000:22:00.0 0000:44:00.0 0000:42:00.0
  VMD_PIN=2,3,4,5 VMD_EMUPIN=0-1 VMD_RATES=20 start_vm vm1 4 0000:24:00.0 0000:22:00.0
  VMD_PIN=10,11 VMD_EMUPIN=8-9 VMD_RATES=20 start_vm vm2 2 0000:44:00.0
}
vm3() { VMD_PIN=12,13 VMD_EMUPIN=8-9 VMD_RATES=20 start_vm vm3 2 0000:42:00.0; }

first_boot() {
  same "PID 1" "$(cat /proc/1/comm)" systemd
  vms
  cores=$(vcpu_cores)
  vector_masks >before.masks
  holds "the package is installed" dpkg -i /lab/irqtune.deb
  same "installing starts nothing" "$(systemctl is-active irqtune.service)" inactive
  same "and enables nothing" "$(systemctl is-enabled irqtune.service)" disabled
  holds "and moves nothing" same_masks before.masks

  say "systemctl enable --now irqtune"
  holds "it starts" systemctl enable --now irqtune.service
  same "state" "$(state ActiveState)" active
  is ActiveState active || {
    systemctl --no-pager --full status irqtune.service
    journalctl --no-pager -n 40
    exit 1
  }
  holds "masks are written" wait_for 60 in_place
  say "STATUS=$(state StatusText)"
  holds "it says that Debian's kernel keeps tracepoints from it, and why" \
    said 'no tracepoints .*kernel.perf_event_paranoid is 3'
  pid=$(state MainPID)
  same "no new privileges, a filter of system calls" \
    "$(awk '/^NoNewPrivs:|^Seccomp:/ {print $2}' "/proc/$pid/status" | xargs)" "1 2"
  # CAP_DAC_READ_SEARCH 2, CAP_SYS_PTRACE 19, CAP_PERFMON 38
  same "capabilities" "$(awk '/^CapBnd:/ {print $2}' "/proc/$pid/status")" 0000004000080004
  holds "a network of its own" \
    test "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/1/ns/net)"

  say "a guest reboots, a VM starts: not one more command"
  signal_vm USR1 vm1
  sleep 2
  holds "in place" wait_for 60 in_place
  vm3
  cores=$(vcpu_cores)
  holds "in place" wait_for 60 in_place
  same "vectors of vm3 with a mask of more than a CPU" \
    "$(vector_masks | grep 0000:42:00.0 | wide_or_on "" | wc -l)" 0

  say "with perf_event_paranoid 2"
  echo 2 >/proc/sys/kernel/perf_event_paranoid
  systemctl restart irqtune.service
  sleep 2
  same "no word of polling" \
    "$(journalctl "_PID=$(state MainPID)" -o cat | grep -c 'no tracepoints')" 0
  signal_vm USR1 vm1
  sleep 2
  holds "in place" wait_for 60 in_place
  holds "by tracepoints" said 'made anew or moved, [0-9.]* ms after its event'

  say "the watchdog"
  mkdir -p /etc/systemd/system/irqtune.service.d
  printf '[Service]\nWatchdogSec=20\n' >/etc/systemd/system/irqtune.service.d/lab.conf
  systemctl daemon-reload
  systemctl restart irqtune.service
  pid=$(state MainPID)
  sleep 50
  same "is fed for 50 s: the process is" "$(state MainPID)" "$pid"
  same "starts anew" "$(state NRestarts)" 0
  kill -STOP "$pid"
  holds "of one that hangs it makes an end" wait_for 120 other_pid "$pid"
  holds "and it is a new one" wait_for 60 in_place

  say "reload"
  mkdir -p /etc/irqtune
  printf '[watch]\ncheck-every=20\n' >/etc/irqtune/irqtune.toml
  holds "systemctl reload" systemctl reload irqtune.service
  holds "read anew" wait_for 30 said 'configuration read anew'
  printf '[watch]\ncheck-every=nonsense\n' >/etc/irqtune/irqtune.toml
  systemctl reload irqtune.service
  holds "a wrong one is told, the old one stays" wait_for 30 said 'the configuration of before stays'
  same "state" "$(state ActiveState)" active
  rm /etc/irqtune/irqtune.toml

  say "kill -9"
  pid=$(state MainPID)
  vector_masks >/tmp/placed
  systemctl kill -s KILL irqtune.service
  holds "masks stay" same_masks /tmp/placed
  holds "it starts anew" wait_for 60 other_pid "$pid"
  holds "takes the journal over" wait_for 30 said 'takes over .*, which was interrupted'
  holds "in place" wait_for 60 in_place
  holds "and they are what they were" same_masks /tmp/placed

  say "stop"
  holds "systemctl stop" systemctl stop irqtune.service
  same "state, result" "$(state ActiveState) $(state Result)" "inactive success"
  holds "masks stay" same_masks /tmp/placed

  say "the other units"
  signal_vm USR1 vm1
  sleep 5
  holds "vm1's masks are the kernel's again" test "$(vector_masks | wide_or_on "$cores" | wc -l)" -gt 0
  holds "irqtune-repair.service" systemctl start irqtune-repair.service
  holds "puts them back" in_place
  holds "irqtune-place.service" systemctl start irqtune-place.service
  holds "irqtune-measure.service" systemctl start irqtune-measure.service
  same "measurements" "$(wc -l </var/lib/irqtune/measurements.jsonl)" 1

  holds "it starts" systemctl start irqtune.service
  echo "$failures" >"$earlier"
  say "reboot"
  : >/lab/again
}

second_boot() {
  failures=$(cat "$earlier")
  holds "after a reboot it runs" wait_for 60 is ActiveState active
  vms
  cores=$(vcpu_cores)
  holds "VMs that start are placed" wait_for 60 in_place
  say "STATUS=$(state StatusText)"
  irqtune history

  say "apt remove"
  holds "removed" dpkg -r irqtune
  same "no process of it" "$(grep -lx irqtune /proc/[0-9]*/comm | wc -l)" 0
  holds "masks are the host's own" same_masks before.masks
  same "units that are left" "$(find /lib/systemd /etc/systemd -name 'irqtune*' | grep -v '\.service\.d' | xargs)" ""
  holds "purged" dpkg -P irqtune
  same "what is left" "$(find /var/lib/irqtune /etc/irqtune 2>/dev/null)" ""
  stop_vm vm1 vm2
  verdict
}

if [ -e "$earlier" ]; then
  second_boot
else
  first_boot
fi
