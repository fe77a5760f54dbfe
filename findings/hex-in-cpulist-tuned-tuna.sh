#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# 0x3 in a CPU list: a mask to one tuning tool, a CPU number to the other.
# Expected: tuned 2.20.0 and tuna 0.15, made by the same people for the same realtime hosts, agree about a text of a list.
# Seen: tuned's lists take 0x3 as a mask, CPUs 0 and 1; tuna's lists (--cpus=) take it as the number 3. Also, 5-2 is the
# empty list in tuna, no word said, and 08 is refused there as an octal slip while tuned takes it as 8.
# Source: tuned/utils/commands.py cpulist_unpack(); tuna/tuna.py cpustring_to_list(), int(x, 0).

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        tuned=2.20.0-1 tuna=0.15-1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
py() { PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" python3 -c "$@" 2>&1 | tail -n 1; }
tuned() { py 'import sys; from tuned.utils.commands import commands as c; print(c().cpulist_unpack(sys.argv[1]))' "$1"; }
tuna() { py 'import sys; from tuna import tuna; print(tuna.cpustring_to_list(sys.argv[1]))' "$1"; }
is 'tuned 0-3' "$(tuned 0-3)" '[0, 1, 2, 3]'
is 'tuna  0-3' "$(tuna 0-3)" '[0, 1, 2, 3]'
is 'tuned 0x3' "$(tuned 0x3)" '[0, 1]'
is 'tuna  0x3' "$(tuna 0x3)" '[3]'
is 'tuna  5-2' "$(tuna 5-2)" '[]'
is 'tuned 08' "$(tuned 08)" '[8]'
is 'tuna  08' "$(tuna 08)" "ValueError: invalid literal for int() with base 0: '08'"
