#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# hwloc 2.9.0: whatever follows the words all, odd and even in an object range is not looked at.
# Expected: pu:odd,0 or core:all-1 is refused, as hwloc-calc refuses pu:1x and pu:0-3x with "invalid character".
# Seen: the tail is dropped in silence, exit status 0: "all-1" and "all,^0" (all but one, someone hopes) are all of them.

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
is 'pu:1x' "$(calc pu:1x | head -n 1)" "invalid character at \`x' after index at \`1x'"
is 'core:all-1' "$(calc core:all-1)" $'0x0000ffff\nstatus 0'
is 'pu:all,^0' "$(calc 'pu:all,^0')" $'0x0000ffff\nstatus 0'
is 'pu:odd,0' "$(calc pu:odd,0)" $'0x0000aaaa\nstatus 0'
