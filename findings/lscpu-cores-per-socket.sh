#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# util-linux 2.38.1: with one core offline, lscpu's "Core(s) per socket" is a rounded-down mean.
# Expected: two sockets with 2 and 1 cores online are described so that sockets x cores x threads is not below the online CPUs.
# Seen: "Core(s) per socket: 1", "Socket(s): 2", "Thread(s) per core: 2": 4 CPUs by the summary, where 6 are online.
# (With two threads of different cores offline instead it says 2, 2, 2: 8 where 6 are online.) Scripts that multiply the
# lines, or take threads per core as "SMT is on", are wrong in both directions.
# Source: sys-utils/lscpu-topology.c, which divides the numbers of CPUs.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        util-linux=2.38.1-5+deb12u3 libsmartcols1=2.38.1-5+deb12u3 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
tree() { # DIR CPU... : 8 CPUs, 2 sockets x 2 cores x 2 threads, with these online
    local d=$1/sys/devices/system/cpu i j on=() s p
    shift
    mkdir -p "$d" "${d%/sys/*}/proc"
    for i in {0..7}; do mkdir -p "$d/cpu$i"; echo 0 > "$d/cpu$i/online"; done
    for i; do
        mkdir "$d/cpu$i/topology"; on+=("$i"); s=0 p=0
        echo 1 > "$d/cpu$i/online"
        for j; do
            ((i / 2 != j / 2)) || s=$((s | 1 << j))
            ((i / 4 != j / 4)) || p=$((p | 1 << j))
        done
        printf "%02x\n" $s | tee "$d/cpu$i/topology/core_cpus" > "$d/cpu$i/topology/thread_siblings"
        printf "%02x\n" $p | tee "$d/cpu$i/topology/package_cpus" > "$d/cpu$i/topology/core_siblings"
        echo $((i / 4)) > "$d/cpu$i/topology/physical_package_id"
        echo $((i % 4 / 2)) > "$d/cpu$i/topology/core_id"
        printf "processor\t: %s\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: X\n\n" "$i" >> "${d%/sys/*}/proc/cpuinfo"
    done
    echo 31 > "$d/kernel_max"
    echo 0-7 | tee "$d/possible" > "$d/present"
    (IFS=,; echo "${on[*]}") > "$d/online"
}

sum() { "$t/usr/bin/lscpu" -s "$1" | sed -nE 's/^(Thread|Core|Socket)\(s\).*: +//p' | tr '\n' ' '; }
tree "$t/all" 0 1 2 3 4 5 6 7
tree "$t/core" 0 1 2 3 6 7
tree "$t/threads" 0 1 2 4 5 6
is 'threads, cores, sockets with all online' "$(sum "$t/all")" '2 2 2 '
is 'core of CPUs 4 and 5 offline' "$(sum "$t/core")" '2 1 2 '
is 'CPUs 3 and 7 offline' "$(sum "$t/threads")" '2 2 2 '
