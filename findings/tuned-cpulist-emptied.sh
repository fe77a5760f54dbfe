#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tuned 2.20.0: one element its CPU list reader does not know empties the whole list, without an error.
# Expected: ${f:cpulist2hex:0-3,x} fails, or gives at least 0-3; a backward range, or the kernel's stride form 0-7:1/2,
# which every mask file takes, fails too.
# Seen: an empty list and the mask 00000000 for all of them, nothing said; while 0-1-2 is taken as 0 and 1.
# Masks that a profile makes of such a variable are empty.
# Source: tuned/utils/commands.py, cpulist_unpack().

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
hex() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" python3 -c '
import sys
from tuned.utils.commands import commands
print(commands().cpulist2hex(sys.argv[1]))' "$1" 2>&1
}
is 'cpulist2hex 0-3' "$(hex 0-3)" 0000000f
is 'cpulist2hex 0-3,x' "$(hex 0-3,x)" 00000000
is 'cpulist2hex 0-7:1/2' "$(hex 0-7:1/2)" 00000000
is 'cpulist2hex 0,5-2' "$(hex 0,5-2)" 00000001
is 'cpulist2hex 0-1-2' "$(hex 0-1-2)" 00000003
