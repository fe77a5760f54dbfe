#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# hwloc 2.9.0: an argument that hwloc-calc cannot read is left out, and the answer is given all the same with exit status 0.
# Expected: a location with a list, pu:0,4 (the form of taskset and of the kernel), makes the command fail.
# Seen: the rest of the line is computed; alone it gives an empty set. mask=$(hwloc-calc ... 2>/dev/null) under "set -e"
# goes on with CPUs missing, and the empty set prints as 0x0, which looks like a mask.

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
calc() { "$t/usr/bin/hwloc-calc" -i 'pack:2 [numa] core:4 pu:2' "$@" 2>/dev/null; echo "status $?"; }
is 'pu:0 pu:4 pu:1' "$(calc pu:0 pu:4 pu:1)" $'0x00000013\nstatus 0'
is 'pu:0,4 pu:1' "$(calc pu:0,4 pu:1)" $'0x00000002\nstatus 0'
is 'pu:0,4' "$(calc pu:0,4)" $'0x0\nstatus 0'
is '0-3,8 as a count of cores' "$(calc -N core 0-3,8)" $'0\nstatus 0'
