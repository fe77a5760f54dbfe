#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# numactl 2.0.16 takes a range that runs backwards as one CPU.
# Expected: 1-0 is a slip, refused as taskset, stress-ng and libvirt refuse it; the manual knows "A-B ranges".
# Seen: no word, exit status 0, the program is bound to the first number alone.
# Where known: libnuma reads the end of a range and then counts up from its start, so only the start is set.
# A list typed as 7-4 leaves a four-thread program on one CPU. Needs CPUs 0 and 1.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        numactl=2.0.16-1 libnuma1=2.0.16-1 util-linux=2.38.1-5+deb12u3 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
run() { "$t/usr/bin/numactl" --physcpubind="$1" grep -h Cpus_allowed_list /proc/self/status | cut -f2; }
is 'numactl --physcpubind=0-1' "$(run 0-1)" 0-1
is 'numactl --physcpubind=1-0' "$(run 1-0 2>&1)" 1
rc=0
"$t/usr/bin/taskset" -c 1-0 true 2>/dev/null || rc=$?
is 'taskset -c 1-0, exit status' "$rc" 1
