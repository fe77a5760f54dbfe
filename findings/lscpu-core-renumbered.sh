#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# util-linux 2.38.1: the CORE number that lscpu gives a CPU changes when another core goes offline.
# Expected: CPU 7 of two sockets, two cores each, two threads each is on core 3, whatever happens to CPUs 4 and 5; the number
# is put into pinning scripts as if it were a name.
# Seen: with CPUs 4 and 5 offline CPU 7 is on core 2, which was the core of CPUs 4 and 5 before, in -p and -e alike.
# Cores are counted in the order they are met, and a kernel shows no topology of an offline CPU.
# The tree is what a kernel shows of such a host.

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

core() { "$t/usr/bin/lscpu" -s "$1" -p=CPU,CORE | grep '^7,'; }
tree "$t/all" 0 1 2 3 4 5 6 7
tree "$t/some" 0 1 2 3 6 7
is 'all online, CPU,Core of CPU 7' "$(core "$t/all")" 7,3
is 'CPUs 4 and 5 offline' "$(core "$t/some")" 7,2
is 'and what CPU 5 was on' "$("$t/usr/bin/lscpu" -s "$t/all" -p=CPU,CORE | grep '^5,')" 5,2
