#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# util-linux 2.38.1: two neighbouring CPUs are written 0,1 by taskset and lscpu and 0-1 by the kernel.
# Expected: taskset -pc PID and Cpus_allowed_list of the same process are the same text, as for any other set;
# so are lscpu's "On-line CPU(s) list" and /sys/devices/system/cpu/online.
# Seen: a run of exactly two becomes a pair with a comma, longer runs a range. A check that compares the texts reports a
# drift that is none, on hosts with two threads a core more often than not. tuna 0.15 prints pairs the same way.
# Needs CPUs 0 and 1.

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
is 'taskset about 0-1' "$("$t/usr/bin/taskset" -c 0-1 sh -c "$t/usr/bin/taskset -pc \$\$" | sed 's/.*: //')" 0,1
is 'the kernel about it' "$("$t/usr/bin/taskset" -c 0-1 grep Cpus_allowed_list /proc/self/status | cut -f2)" 0-1
c=$t/s/sys/devices/system/cpu
mkdir -p "$c" "$t/s/proc"
for i in 0 1 2 4 5; do mkdir -p "$c/cpu$i/topology"; echo 0 > "$c/cpu$i/topology/physical_package_id"; done
printf 'processor\t: 0\n' > "$t/s/proc/cpuinfo"
echo 0-5 | tee "$c/possible" > "$c/present"
echo 0-2,4-5 > "$c/online"
is 'lscpu about 0-2,4-5' "$("$t/usr/bin/lscpu" -s "$t/s" | sed -n 's/^On-line CPU(s) list: *//p')" 0-2,4,5
