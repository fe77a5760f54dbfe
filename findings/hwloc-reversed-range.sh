#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# hwloc 2.9.0: a range of objects that runs backwards means "from the first to the last of the machine".
# Expected: pu:3-1 is refused, or is PUs 1 to 3. hwloc(7) writes ranges as X-Y, and X- for "to the end".
# Seen: pu:3-1 gives PUs 3 to 15 of 16, no word, exit status 0. A slip in a list widens a binding to nearly the whole host
# where libvirt and taskset refuse the same text, and numactl takes the first number only.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        hwloc-nox=2.9.0-1 libhwloc15=2.9.0-1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
calc() { "$t/usr/bin/hwloc-calc" -i 'pack:2 [numa] core:4 pu:2' "$@" 2>&1; echo "status $?"; }
is 'pu:1-3' "$(calc pu:1-3)" $'0x0000000e\nstatus 0'
is 'pu:3-' "$(calc pu:3-)" $'0x0000fff8\nstatus 0'
is 'pu:3-1' "$(calc pu:3-1)" $'0x0000fff8\nstatus 0'
is 'core:2-0 as PUs' "$(calc -I pu core:2-0)" $'4,5,6,7,8,9,10,11,12,13,14,15\nstatus 0'
