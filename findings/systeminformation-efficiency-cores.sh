#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# systeminformation 5.33.23 (npm) with lscpu of util-linux 2.38.1: a thread taken offline makes an efficiency core.
# Expected: cpu().efficiencyCores of two sockets with two cores of two threads each, all of one kind, is 0 whatever is offline.
# Seen: with CPU 7 offline it is 1 and performanceCores is 3 of 4; with CPUs 3 and 7 offline it is 2 and 2. Where hosts with
# efficiency cores get other pins, or none, a server changes its kind when one sibling is switched off.
# Source: lib/cpu.js, which takes the number of CPUs less that of cores for the cores with two threads, and the rest for slow ones.
# The tree is what a kernel shows; the made /proc/stat is mounted in a private mount namespace (root).

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
(cd "$t" && npm install --silent --no-audit --no-fund --ignore-scripts --cache "$t/cache" systeminformation@5.33.23 >/dev/null)
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
mkdir "$t/path"
# shellcheck disable=SC2016
printf '#!/bin/sh\nexec "%s/usr/bin/lscpu" -s "$TREE"\n' "$t" > "$t/path/lscpu"
chmod +x "$t/path/lscpu"
cores() { # CPU...: of a host with these online
    export TREE="$t/tree$*"
    tree "$TREE" "$@"
    {
        echo 'cpu  8 0 0 8 0 0 0 0 0 0'
        printf 'cpu%d 1 0 0 1 0 0 0 0 0 0\n' "$@"
    } > "$TREE/proc/stat"
    # shellcheck disable=SC2016
    (cd "$t" && PATH="$t/path:$PATH" unshare -m sh -c 'mount --bind "$1/stat" /proc/stat && mount --bind "$1/cpuinfo" /proc/cpuinfo && shift && exec "$@"' \
        - "$TREE/proc" node -e 'require("systeminformation").cpu().then(c => console.log(c.cores, c.physicalCores, c.performanceCores, c.efficiencyCores))')
}
is 'CPUs, cores, performance and efficiency cores, all online' "$(cores 0 1 2 3 4 5 6 7)" '8 4 4 0'
is 'CPU 7 offline' "$(cores 0 1 2 3 4 5 6)" '7 4 3 1'
is 'CPUs 3 and 7 offline' "$(cores 0 1 2 4 5 6)" '6 4 2 2'
