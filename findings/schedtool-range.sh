#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# schedtool 1.3.0: a range in a CPU list is its first number.
# Expected: "-a AFFINITY_MASK: bitmask or list"; the list 0-1 is CPUs 0 and 1 as in taskset, or it is refused.
# Seen: 0-1 binds to CPU 0, 1-0 to CPU 1, and a hexadecimal number inside a list is CPU 0; no word, exit status 0.
# Needs CPUs 0 and 1.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        schedtool=1.3.0-4 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
run() { "$t/usr/bin/schedtool" -a "$1" -e grep Cpus_allowed_list /proc/self/status 2>&1 | cut -f2; }
is 'schedtool -a 0,1' "$(run 0,1)" 0-1
is 'schedtool -a 0-1' "$(run 0-1)" 0
is 'schedtool -a 1-0' "$(run 1-0)" 1
is 'schedtool -a 0x2' "$(run 0x2)" 1
is 'schedtool -a 0,0x1' "$(run 0,0x1)" 0
