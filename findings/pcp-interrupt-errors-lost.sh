#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# PCP 6.0.3: kernel.all.interrupts.errors is 0 for ever on a machine with 1000 interrupt numbers or more.
# Expected: the number of the ERR row of /proc/interrupts, on any machine; an alarm on APIC errors hangs on it.
# Seen: the kernel pads the names to the width of the greatest number, so " ERR:" has a space before it where nr_irqs has four
# digits. Then errors and missed stay 0, and the errors are counted as interrupts of the first CPU, "ERR::cpu0". The file is made.
# Needs CPU 0.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        pcp=6.0.3-1.1 libpcp3=6.0.3-1.1 libpcp-pmda3=6.0.3-1.1 pcp-conf=6.0.3-1.1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib:$t/usr/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
export PCP_DIR="$t" PCP_CONF="$t/conf" LINUX_STATSPATH="$t/root"
sed "s,=/,=$t/," "$t/etc/pcp.conf" > "$t/conf" # its paths
mkdir -p "$LINUX_STATSPATH/proc"
cp /proc/stat "$LINUX_STATSPATH/proc/stat"
value() { # METRIC [INSTANCE]
    "$t/usr/bin/pminfo" -L -K clear -K "add,60,$t/usr/lib/pcp/pmdas/linux/pmda_linux.so,linux_init" \
        -n "$t/usr/lib/pcp/pmns/root_linux" -f "$1" 2>"$t/err" | grep -F "${2:-value}" | sed 's/.*value //'
}
file() { # WIDTH of the names
    {
        printf '%*s       CPU0\n' "$1" ''
        printf '%*s:          7  IO-APIC   4-edge      ttyS0\n' "$1" 4
        printf '%*s:          3\n' "$1" ERR
        printf '%*s:          2\n' "$1" MIS
    } > "$LINUX_STATSPATH/proc/interrupts"
}
file 3 # up to 999
is 'ERR:  errors' "$(value kernel.all.interrupts.errors)" 3
is 'ERR:  missed' "$(value kernel.all.interrupts.missed)" 2
is 'ERR:  as an interrupt of CPU 0' "$(value kernel.percpu.interrupts '"ERR::cpu0"')" ''
file 4
is ' ERR: interrupts of line 4' "$(value kernel.percpu.interrupts '"4::cpu0"')" 7
is ' ERR: errors' "$(value kernel.all.interrupts.errors)" 0
is ' ERR: missed' "$(value kernel.all.interrupts.missed)" 0
is ' ERR: as an interrupt of CPU 0' "$(value kernel.percpu.interrupts '"ERR::cpu0"')" 3
