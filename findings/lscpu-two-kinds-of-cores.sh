#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# util-linux 2.38.1: on a machine with two kinds of cores (arm64), lscpu -p gives CPUs of different cores the same core number.
# Expected: "Each different item in every column has an unique ID", says the head of the output itself: 8 CPUs on 4 cores of two
# packages are cores 0 to 3.
# Seen: both numberings begin again with the second kind: CPUs 0 and 4 are on core 0 of socket 0, though their kernel files
# say packages 0 and 1. "sort -u on CORE" finds two cores of four.
# The tree is that of two clusters, Cortex parts d05 and d0b, as the kernel shows them.

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
cores() { "$t/usr/bin/lscpu" -s "$1" -p=CPU,CORE,SOCKET | grep -E '^[0246],' | tr '\n' ' '; }
tree "$t/one" 0 1 2 3 4 5 6 7
tree "$t/two" 0 1 2 3 4 5 6 7
for i in {0..7}; do
    for k in one two; do
        [ "$i" -gt 0 ] || : > "$t/$k/proc/cpuinfo"
        part=0xd05
        [ "$k$((i / 4))" != two1 ] || part=0xd0b
        printf 'processor\t: %s\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: %s\nCPU revision\t: 0\n\n' "$i" "$part" >> "$t/$k/proc/cpuinfo"
    done
done
is 'CPU,Core,Socket, one kind' "$(cores "$t/one")" '0,0,0 2,1,0 4,2,1 6,3,1 '
is 'two kinds' "$(cores "$t/two")" '0,0,0 2,1,0 4,0,0 6,1,0 '
