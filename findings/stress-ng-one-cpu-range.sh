#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# stress-ng 0.15.06: --taskset refuses a range of one CPU and takes numbers with anything behind them.
# Expected: 1-1 is CPU 1, as in the kernel, taskset, libvirt, systemd (a generated "first-last" of one CPU looks like that),
# and 1.9 or 1x is refused.
# Seen: 1-1 is "invalid range ... end value must be larger than start value", status 1; 1.9, 1x and 0x1 run with status 0,
# and 0x1 is CPU 0. Needs CPUs 0 and 1.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        stress-ng=0.15.06-2 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
run() { # the CPUs a worker may use
    "$t/usr/bin/stress-ng" --temp-path "$t" --taskset "$1" --cpu 1 --cpu-method loop --timeout 2 -q >/dev/null 2>"$t/err" & p=$!
    sleep 1; cut -f2 < <(grep Cpus_allowed_list "/proc/$p/status" 2>/dev/null || true)
    wait $p && echo "status 0" || echo "status $?"
}
is '--taskset 1' "$(run 1)" $'1\nstatus 0'
is '--taskset 1-1' "$(run 1-1)" 'status 1'
is 'its reason' "$(grep -o 'end value must be larger' "$t/err")" 'end value must be larger'
is '--taskset 1.9' "$(run 1.9)" $'1\nstatus 0'
is '--taskset 0x1' "$(run 0x1)" $'0\nstatus 0'
