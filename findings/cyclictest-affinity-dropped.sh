#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# rt-tests 2.4: cyclictest -a drops a set that it does not know and measures on all CPUs.
# Expected: "-a ^0", all but CPU 0 as libvirt and tuned write it (cyclictest has ! for it), or "-a isolated", is refused, as -a^0 and
# --affinity=^0 are, with "unparseable cpu description" and status 1.
# Seen: with a space before it the word is taken for no set at all and then forgotten, like any other word that is left over: the
# threads run on CPUs 0 and 1, status 0, no word. The worst latency of the isolated CPUs is that of a housekeeping CPU.
# Where known: -a takes the next word only if it looks like a set, and what is left of the line is not looked at. Needs CPUs 0 and 1.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        rt-tests=2.4-1 libnuma1=2.0.16-1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
cpus() { # WORDS: where two threads ran
    local rc=0
    rm -f "$t/json"
    "$t/usr/bin/cyclictest" -q -t 2 -i 1000 -l 20 --json="$t/json" "$@" > "$t/out" 2>&1 || rc=$?
    [ ! -e "$t/json" ] || sed -n 's/.*"cpu": \([0-9]*\).*/CPU \1/p' "$t/json" | paste -sd' '
    echo "status $rc, words about it: $(grep -ciE 'unparseable|unknown|invalid|ignor' "$t/out")"
}
is '-a 1' "$(cpus -a 1)" $'CPU 1 CPU 1\nstatus 0, words about it: 0'
is '-a^0' "$(cpus '-a^0')" $'status 1, words about it: 1'
is '-a ^0' "$(cpus -a '^0')" $'CPU 0 CPU 1\nstatus 0, words about it: 0'
is '-a isolated' "$(cpus -a isolated)" $'CPU 0 CPU 1\nstatus 0, words about it: 0'
