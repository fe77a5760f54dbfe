#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# irqbalance 1.9.2: the variable it says it discards is the one that counts.
# Expected: "IRQBALANCE_BANNED_CPUS is discarded, Use IRQBALANCE_BANNED_CPULIST instead" means what it says, so that of the two,
# while an old file of settings still has the one, the other decides.
# Seen: with IRQBALANCE_BANNED_CPUS=1 and IRQBALANCE_BANNED_CPULIST=2,3 CPU 0 is banned, CPUs 2 and 3 are not, and the line above
# is printed. The old one alone is honoured too. Run on a made /proc and /sys.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        irqbalance=1.9.2-1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
host() { # NAME: the /proc, /sys and /run of a made machine, four CPUs and a card with the interrupts 24 to 27
    local h=$t/$1 c i
    mkdir -p "$h"/{proc,run/irqbalance} "$h"/sys/{devices/system/{cpu,node/node0},bus/pci/devices/0000:00:03.0/msi_irqs}
    echo 0-3 > "$h/sys/devices/system/cpu/online"
    echo 0000000f > "$h/sys/devices/system/node/node0/cpumap"
    echo 0x020000 > "$h/sys/bus/pci/devices/0000:00:03.0/class"
    for i in vendor device subsystem_vendor subsystem_device; do echo 0x1 > "$h/sys/bus/pci/devices/0000:00:03.0/$i"; done
    for c in 0 1 2 3; do
        mkdir -p "$h/sys/devices/system/cpu/cpu$c/topology" "$h/sys/devices/system/cpu/cpu$c/node0"
        echo 0 > "$h/sys/devices/system/cpu/cpu$c/topology/physical_package_id"
        echo 0000000f > "$h/sys/devices/system/cpu/cpu$c/topology/package_cpus"
        printf '%08x\n' $((1 << c)) > "$h/sys/devices/system/cpu/cpu$c/topology/core_cpus"
        echo "cpu$c 100 0 100 1000 0 10 10 0 0 0" >> "$h/proc/stat"
    done
    echo '           CPU0       CPU1       CPU2       CPU3' > "$h/proc/interrupts"
    for i in 24 25 26 27; do
        mkdir -p "$h/proc/irq/$i"
        echo 0000000f > "$h/proc/irq/$i/smp_affinity"
        echo msi > "$h/sys/bus/pci/devices/0000:00:03.0/msi_irqs/$i"
        echo " $i:       1000          0          0          0  PCI-MSI-0000:00:03.0 $((i - 24))-edge  eth0-$i" >> "$h/proc/interrupts"
    done
}
user=()
[ "$(id -u)" = 0 ] || user=(-r)
run() { # NAME OPTION..: one round on that machine, in a mount namespace of its own
    local h=$t/$1
    host "$1"
    shift
    # shellcheck disable=SC2016 # for the inner shell
    unshare "${user[@]}" -m bash -c 'set -e
        mount --make-rprivate /
        mount --bind "$1/sys" /sys && mount --bind "$1/run" /run && mount --bind "$1/proc" /proc
        [ ! -e /proc/self ] # the real one is out of reach
        h=$1; irqbalance=$2; shift 2
        "$irqbalance" --foreground --oneshot --debug "$@" > "$h/out" 2>&1' - "$h" "$t/usr/sbin/irqbalance" "$@"
}
said() { grep -o 'IRQBALANCE_BANNED_CPUS is discarded\|^Banned CPUs: .*' "$t/$1/out"; }
used() { sort -u "$t/$1"/proc/irq/*/smp_affinity | tr '\n' ' '; }
IRQBALANCE_BANNED_CPULIST=2,3 run list
is 'the list' "$(said list)" 'Banned CPUs: 0000000c'
is 'CPUs given interrupts' "$(used list)" '00000001 00000002 '
IRQBALANCE_BANNED_CPUS=1 run mask
is 'the mask' "$(said mask)" $'IRQBALANCE_BANNED_CPUS is discarded\nBanned CPUs: 00000001'
IRQBALANCE_BANNED_CPUS=1 IRQBALANCE_BANNED_CPULIST=2,3 run both
is 'both' "$(said both)" $'IRQBALANCE_BANNED_CPUS is discarded\nBanned CPUs: 00000001'
is 'CPUs given interrupts' "$(used both)" '00000002 00000004 00000008 '
