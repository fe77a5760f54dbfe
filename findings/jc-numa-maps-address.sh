#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# jc 1.22.5: an address of /proc/PID/numa_maps that happens to have no letter is another number.
# Expected: "address" is a string, as the parser's schema and its example say: 7f53b5083000 is hexadecimal.
# Seen: where all its digits are decimal it becomes an integer, read as decimal: 555555554000, where gdb and setarch -R have programs
# loaded, is 555555554000, not 93824992231424; of programs at random addresses it is about one in thirty. The type changes from
# row to row, and who adds up a guest's pages by mapping loses such rows in the join with maps. 00400000 loses its zeros too.
# Source: jc/parsers/proc_pid_numa_maps.py, where every value that int() takes is converted.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        jc=1.22.5-1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
maps() { # ADDRESS: its JSON
    printf '%s bind:0 file=/usr/bin/qemu-system-x86_64 mapped=7 N0=7 kernelpagesize_kB=4\n' "$1" |
        PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" /usr/bin/python3 -m jc --proc-pid-numa-maps |
        grep -oE '"address":[^,]*'
}
is 7f53b5083000 "$(maps 7f53b5083000)" '"address":"7f53b5083000"'
is 555555554000 "$(maps 555555554000)" '"address":555555554000'
is 00400000 "$(maps 00400000)" '"address":400000'
is 'the schema' "$(grep -oE -m 1 '"address": +[a-z]+' "$t/usr/lib/python3/dist-packages/jc/parsers/proc_pid_numa_maps.py" | tr -s ' ')" '"address": string'
