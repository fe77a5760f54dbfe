#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tuna 0.15 with python3-linux-procfs 0.6.3: with a CPU offline, the highest CPUs drop out of the affinity of interrupts.
# Expected: of a host whose CPUs 2 and 3 are offline, a line with smp_affinity 20 is shown as CPU 5, and 33 as 0,1,4,5.
# Seen: the mask is cut at the number of columns of /proc/interrupts, 4 here: the first is shown with no CPU, the second as 0,1. tuna
# --isolate asks the same list which lines it must move away, so that of CPU 5 stays on the isolated CPU; no word, status 0.
# Source: procfs.py, interrupts.parse_affinity(), bitmasklist(line, nr_cpus). The files are made, and mounted in private
# namespaces (root); nothing of the machine is moved.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        tuna=0.15-1 python3-linux-procfs=0.6.3-1.1+b2 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
mkdir -p "$t"/irq/{100,101,102}
echo 3f > "$t/irq/default_smp_affinity"
echo 02 > "$t/irq/100/smp_affinity"
echo 20 > "$t/irq/101/smp_affinity"
echo 33 > "$t/irq/102/smp_affinity"
file() { # COUNTS CPU...: the text with these columns
    printf '            '
    printf 'CPU%-8d' "${@:2}"
    echo
    for i in 0 1 2; do
        echo " $((100 + i)): $1 IR-PCI-MSIX-0000:3b:00.0    $i-edge      nvme0q$i"
    done
}
file '7 7 7 7 7 7' 0 1 2 3 4 5 > "$t/online"
file '7 7 7 7' 0 1 4 5 > "$t/offline"
affinity() { # FILE NAME: number, name and CPUs
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount --bind "$1" /proc/interrupts && mount --bind "$2/irq" /proc/irq && shift 2 && exec "$@"' - "$t/$1" "$t" \
        env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" python3 "$t/usr/bin/tuna" -q "$2" --show_irqs 2>&1 | awk '{ print $1, $2, $3 }'
}
is 'mask 02, all online' "$(affinity online nvme0q0)" '100 nvme0q0 1'
is 'mask 20, all online' "$(affinity online nvme0q1)" '101 nvme0q1 5'
is 'mask 33, all online' "$(affinity online nvme0q2)" '102 nvme0q2 0,1,4,5'
is 'mask 02, 2 and 3 offline' "$(affinity offline nvme0q0)" '100 nvme0q0 1'
is 'mask 20, 2 and 3 offline' "$(affinity offline nvme0q1)" '101 nvme0q1 '
is 'mask 33, 2 and 3 offline' "$(affinity offline nvme0q2)" '102 nvme0q2 0,1'
isolate() { # FILE CPU: what becomes of line 101, which has mask 20
    cp -r "$t/irq" "$t/irq.$1.$2"
    # shellcheck disable=SC2016
    unshare -m -p -f --mount-proc sh -c 'mount --bind "$1" /proc/interrupts && mount --bind "$2" /proc/irq && shift 2 && exec "$@"' - "$t/$1" "$t/irq.$1.$2" \
        env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" python3 "$t/usr/bin/tuna" --cpus="$2" --isolate || echo "status $?"
    [ "$(cat "$t/irq.$1.$2/101/smp_affinity")" = 20 ] && echo 'stays on it' || echo 'moved away'
}
is 'CPU 5 isolated, all online: the line of mask 20' "$(isolate online 5)" 'moved away'
is 'CPU 5 isolated, 2 and 3 offline: the line' "$(isolate offline 5)" 'stays on it'
