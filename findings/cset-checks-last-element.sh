#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# cset 1.6: only the last element of a CPU list is held against the last CPU of the machine.
# Expected: on a machine with CPUs 0-3, a list with CPU 99 is refused wherever the 99 stands.
# Seen: 0-1,99 is refused, 99,0-1 and 0-99,3 pass the check. And 3-1 is read as 1-3 for a mask and as no CPU at all
# where the inverse is made, so CPUs 1 to 3 are in the set and in "all the others".
# Source: cpuset/cset.py, cpuspec_check(), cpuspec_to_hex(), cpuspec_inverse().

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        cpuset=1.6-4.1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
py() { # FUNCTION LIST
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" python3 -W ignore -c '
import sys
from cpuset import cset
cset.maxcpu = 3
try:
    print(getattr(cset, sys.argv[1])(sys.argv[2]))
except cset.CpusetException:
    print("refused")' "$@"
}
is 'check 0-1,99' "$(py cpuspec_check 0-1,99)" refused
is 'check 99,0-1' "$(py cpuspec_check 99,0-1)" None
is 'check 0-99,3' "$(py cpuspec_check 0-99,3)" None
is 'mask of 3-1' "$(py cpuspec_to_hex 3-1)" e
is 'inverse of 1-3' "$(py cpuspec_inverse 1-3)" 0
is 'inverse of 3-1' "$(py cpuspec_inverse 3-1)" 0-3
