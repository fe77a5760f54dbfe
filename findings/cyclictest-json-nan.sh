#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# rt-tests 2.4: cyclictest --json writes no JSON when a thread never ran.
# Expected: a thread without a single cycle, which is what a measured CPU taken by something else looks like, is in the file like the
# others, with null or without an average, so that the alarm can be raised from it.
# Seen: "avg": -nan, which is no JSON; Python's reader refuses the whole file, the threads that did run included. "min" is 1000000, a
# second, and the status 0. Here the second thread starts half a second after the first, and the first ends the run.

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
run() { # SECOND-THREAD'S-DELAY-IN-US LOOPS: status, averages, and whether it is read
    local rc=0
    "$t/usr/bin/cyclictest" -q -t 2 -i 1000 -d "$1" -l "$2" --json="$t/json" > "$t/out" 2>&1 || rc=$?
    grep -oE '"avg": [-a-z0-9.]+' "$t/json" | sed 's/[0-9.]\{2,\}/a number/; s/-//' | paste -sd' '
    python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$t/json" 2>"$t/err" && echo read || echo 'not read'
    echo "status $rc"
}
is 'both ran' "$(run 0 500)" $'"avg": a number "avg": a number\nread\nstatus 0'
is 'the second did not' "$(run 500000 1)" $'"avg": a number "avg": nan\nnot read\nstatus 0'
is "the reader's word" "$(grep -oE '^json[^:]*: Expecting value' "$t/err")" 'json.decoder.JSONDecodeError: Expecting value'
is 'its least latency' "$(grep -oE '"min": 1000000' "$t/json")" '"min": 1000000'
