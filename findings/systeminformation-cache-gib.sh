#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# systeminformation 5.33.23 (npm) with lscpu of util-linux 2.38.1: more than a gibibyte of L3 is 1 byte, or 2.
# Expected: cpu().cache is "cache in bytes": 12 times 96 MiB, an EPYC with stacked cache, are 1207959552.
# Seen: lscpu says "1.1 GiB (12 instances)", and cache.l3 is 1. Below that fractions are cut: 2.5 MiB of L2 are 2097152. A planner
# that sizes cache partitions by this number sees the hosts with the most cache as those without any.
# Source: lib/cpu.js, parseInt() of the text, times a factor that is known for K and M only. The tree is what a kernel shows.

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
cache() { # DIR LEVEL TYPE SIZE NUMBER CPU-MASK
    mkdir -p "$1"
    echo "$2" > "$1/level"; echo "$3" > "$1/type"; echo "$4" > "$1/size"; echo "$5" > "$1/id"; echo "$6" > "$1/shared_cpu_map"
}
tree() { # DIR CPUs L2 L3: a core and caches of its own for each CPU
    local d=$1/sys/devices/system/cpu i m
    mkdir -p "$d" "$1/proc"
    for ((i = 0; i < $2; i++)); do
        mkdir -p "$d/cpu$i/topology"
        m=$(printf '%04x' $((1 << i)))
        echo 1 > "$d/cpu$i/online"
        echo 0 > "$d/cpu$i/topology/physical_package_id"
        echo "$i" > "$d/cpu$i/topology/core_id"
        echo "$m" | tee "$d/cpu$i/topology/core_cpus" > "$d/cpu$i/topology/thread_siblings"
        printf '%04x\n' $(((1 << $2) - 1)) | tee "$d/cpu$i/topology/package_cpus" > "$d/cpu$i/topology/core_siblings"
        cache "$d/cpu$i/cache/index0" 1 Data 32K "$i" "$m"
        cache "$d/cpu$i/cache/index1" 1 Instruction 32K "$i" "$m"
        cache "$d/cpu$i/cache/index2" 2 Unified "$3" "$i" "$m"
        cache "$d/cpu$i/cache/index3" 3 Unified "$4" "$i" "$m"
        printf 'processor\t: %s\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: X\n\n' "$i" >> "$1/proc/cpuinfo"
    done
    echo 15 > "$d/kernel_max"
    echo "0-$(($2 - 1))" | tee "$d/possible" "$d/present" > "$d/online"
}
mkdir "$t/path"
# shellcheck disable=SC2016
printf '#!/bin/sh\nexec "%s/usr/bin/lscpu" -s "$TREE"\n' "$t" > "$t/path/lscpu"
chmod +x "$t/path/lscpu"
seen() { # TREE LEVEL: what lscpu says, and bytes of it
    export TREE="$t/$1"
    "$t/path/lscpu" | sed -n "s/^$2 cache: *//p"
    (cd "$t" && PATH="$t/path:$PATH" node -e "require('systeminformation').cpu().then(c => console.log(c.cache.${2,}))")
}
tree "$t/one" 1 1280K 98304K
tree "$t/two" 2 1280K 98304K
tree "$t/twelve" 12 1024K 98304K
is 'L3 of one core' "$(seen one L3)" $'96 MiB (1 instance)\n100663296'
is 'L2 of two cores of 1280 KiB' "$(seen two L2)" $'2.5 MiB (2 instances)\n2097152'
is 'L3 of twelve' "$(seen twelve L3)" $'1.1 GiB (12 instances)\n1'
