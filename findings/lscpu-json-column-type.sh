#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# util-linux 2.42.4 (Debian sid): one offline CPU turns the numbers of lscpu -e -J into text, for all CPUs.
# Expected: "core": 3 of an online CPU is a number before and after another CPU went offline; only what is not known is not.
# Seen: with all CPUs online the fields are numbers; with CPU 5 offline every CPU has "core": "3", "socket": "1", and the
# offline one "-". A program that compares numbers, or adds them, breaks on the day a thread is taken offline.
# Where known: the type is one of the whole column, and the dash makes it text.
# (Up to 2.41 the offline CPU had a bare dash there, which no JSON reader takes; this is the state after that was mended.)

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir -p "$t/lists/partial" "$t/partial"
echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main' > "$t/list"
apt=(-qq -o "Dir::Etc::sourcelist=$t/list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$t/lists" -o "Dir::Cache=$t"
    -o APT::Sandbox::User=root -o Debug::NoLocking=1)
apt-get "${apt[@]}" update >/dev/null
(cd "$t" && apt-get "${apt[@]}" download util-linux=2.42.4-1 libsmartcols1=2.42.4-1 libtinfo6/sid libc6=2.43-7 >/dev/null)
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done

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
lscpu() {
    "$t/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --library-path "$t/usr/lib/x86_64-linux-gnu" "$t/usr/bin/lscpu" -s "$@"
}
core() { # the field of one CPU
    lscpu "$1" -e=CPU,CORE -J | grep -A 1 "\"cpu\": $2," | tail -n 1 | tr -d ' '
}
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
tree "$t/all" 0 1 2 3 4 5 6 7
tree "$t/some" 0 1 2 3 4 6 7
is 'CPU 7, all online' "$(core "$t/all" 7)" '"core":3'
is 'CPU 7, CPU 5 offline' "$(core "$t/some" 7)" '"core":"3"'
is 'CPU 5 itself' "$(core "$t/some" 5)" '"core":"-"'
