#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# node_exporter 1.9.0 (Debian trixie): one page of metrics has two numberings of the CPUs when one is offline.
# Expected: the label cpu="4" is the same CPU in every family, so that interrupts can be joined to the time or the softirqs
# of the CPU that took them.
# Seen: with CPUs 2 and 3 offline node_interrupts_total numbers the columns of /proc/interrupts, CPU 4 is cpu="2" there, while
# node_cpu_seconds_total and node_softirqs_functions_total of the page have it as cpu="4"; cpu="2" of the latter is offline.
# Source: collector/interrupts_linux.go, the index of the column. Listens on the loopback for a moment.

set -eu
t=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$t"' EXIT
mkdir -p "$t/lists/partial" "$t/partial" "$t/proc"
echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' > "$t/list"
apt=(-qq -o "Dir::Etc::sourcelist=$t/list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$t/lists" -o "Dir::Cache=$t"
    -o APT::Sandbox::User=root -o Debug::NoLocking=1)
apt-get "${apt[@]}" update >/dev/null
(cd "$t" && apt-get "${apt[@]}" download prometheus-node-exporter=1.9.0-1+b4 >/dev/null)
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done

cat > "$t/proc/interrupts" <<'I'
            CPU0       CPU1       CPU4       CPU5       
 100:         10         11         14         15 IR-PCI-MSIX-0000:3b:00.0    0-edge      vfio-msix[0](0000:3b:00.0)
I
cat > "$t/proc/softirqs" <<'I'
                    CPU0       CPU1       CPU2       CPU3       CPU4       CPU5       
      NET_RX:        110        111          0          0        114        115
I
cat > "$t/proc/stat" <<'I'
cpu  4400 0 0 0 0 0 0 0 0 0
cpu0 1000 0 0 0 0 0 0 0 0 0
cpu1 1100 0 0 0 0 0 0 0 0 0
cpu4 1400 0 0 0 0 0 0 0 0 0
cpu5 1500 0 0 0 0 0 0 0 0 0
intr 50
softirq 450 0 0 0 450 0 0 0 0 0 0
I
"$t/usr/bin/prometheus-node-exporter" --path.procfs="$t/proc" --web.listen-address=127.0.0.1:0 --collector.disable-defaults \
    --collector.cpu --collector.interrupts --collector.softirqs > "$t/log" 2>&1 &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$(sed -n 's/.*msg="Listening on" address=127.0.0.1://p' "$t/log")
    [ -z "$port" ] || break
    sleep 1
done
python3 -c '
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())' "http://127.0.0.1:$port/metrics" > "$t/page"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
value() { sed -nE "s/^$1\{cpu=\"$2\",.*$3.*\} //p" "$t/page"; }
is 'CPU seconds of cpu="4"' "$(value node_cpu_seconds_total 4 'mode="user"')" 14
is 'softirqs of cpu="4"' "$(value node_softirqs_functions_total 4 NET_RX)" 114
is 'softirqs of cpu="2"' "$(value node_softirqs_functions_total 2 NET_RX)" 0
is 'interrupts of cpu="4"' "$(value node_interrupts_total 4 'type="100"')" ''
is 'interrupts of cpu="2"' "$(value node_interrupts_total 2 'type="100"')" 14
