#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tuned 2.20.0: ${f:calc_isolated_cores:1} keeps one thread of each socket for housekeeping, and isolates its sibling.
# Expected: "how many cores per socket reserve for housekeeping": with two threads a core, the whole first core stays out.
# Seen: on two sockets with siblings 0,1 2,3 / 4,5 6,7 the answer is 1,2,3,5,6,7: CPUs 1 and 5 are isolated though they share
# their cores with the housekeeping CPUs 0 and 4. The realtime-virtual-host profile has this as its default.
# Source: tuned/profiles/functions/function_calc_isolated_cores.py, which reads physical_package_id and no sibling list.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        tuned=2.20.0-1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
for i in {0..7}; do
    mkdir -p "$t/cpu/cpu$i/topology"
    echo $((i / 4)) > "$t/cpu/cpu$i/topology/physical_package_id"
    echo $((i % 4 / 2)) > "$t/cpu/cpu$i/topology/core_id"
    echo $((i / 2 * 2))-$((i / 2 * 2 + 1)) | tee "$t/cpu/cpu$i/topology/core_cpus_list" > "$t/cpu/cpu$i/topology/thread_siblings_list"
done
isolated() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" python3 -c '
import sys
import tuned.consts as consts
consts.SYSFS_CPUS_PATH = sys.argv[1]
from tuned.profiles.functions.function_calc_isolated_cores import calc_isolated_cores
print(calc_isolated_cores().execute(sys.argv[2:]))' "$t/cpu" "$@"
}
is 'siblings of CPU 0' "$(cat "$t/cpu/cpu0/topology/core_cpus_list")" 0-1
is 'isolated with 1 core kept' "$(isolated 1)" 1,2,3,5,6,7
is 'with 2' "$(isolated 2)" 2,3,6,7
is "realtime-virtual-host's default" "$(grep -rhoE 'isolated_cores *= *\$\{f:calc_isolated_cores:[0-9]+\}' "$t/usr/lib/tuned/realtime-virtual-host" "$t/etc/tuned" | tail -n 1)" \
    "$(printf 'isolated_cores=$%s' '{f:calc_isolated_cores:1}')"
