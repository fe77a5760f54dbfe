#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# perf stat 6.1: one CPU in -C that is not online makes the event "not supported" for all of them, and the status is 0.
# Expected: -C 0,999 counts on CPU 0 and complains of 999, or ends with an error, as perf stat -C 1-0 does.
# Seen: "<not supported>" in the place of the number, nothing else, status 0: it reads as if this machine had no such counter.
# A list made before a CPU went offline loses every count in this way.
# Needs root or perf_event_paranoid below 1, and no CPU 999.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        linux-perf=6.1.192-3 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
stat() { "$t"/usr/bin/perf stat -x, -C "$1" -e cpu-clock sleep 0.01 2>&1 | cut -d, -f1 | sed 's/^[0-9.]*$/a number/'; echo "status ${PIPESTATUS[0]}"; }
is 'perf stat -C 0' "$(stat 0)" $'a number\nstatus 0'
is 'perf stat -C 999' "$(stat 999)" $'<not supported>\nstatus 0'
is 'perf stat -C 0,999' "$(stat 0,999)" $'<not supported>\nstatus 0'
