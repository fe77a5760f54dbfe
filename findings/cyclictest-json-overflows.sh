#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# rt-tests 2.4: the histogram in cyclictest's JSON leaves out the samples that matter, and does not say how many.
# Expected: --json holds what the text of the same run holds: the histogram and the overflows, the latencies beyond its end, which are
# the ones a realtime host is measured for.
# Seen: the text has "# Histogram Overflows: 00020", the JSON nothing of the kind, nor the length of the histogram, so a percentile
# made of it is one of the good samples only; with all 20 samples beyond the end it is {}. And of the names beside it some end in
# a colon of their own, "cmdline:" and "rt_test_version:", so that .cmdline is null.

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
"$t/usr/bin/cyclictest" -q -t 1 -i 1000 -l 20 -h 1 --json="$t/json" > "$t/out" 2>&1
py() { python3 -c '
import json, sys
run = json.load(open(sys.argv[1]))
thread = run["thread"]["0"]
print(eval(sys.argv[2]))' "$t/json" "$1"; }
is 'overflows by the text' "$(sed -n 's/^# Histogram Overflows: 0*//p' "$t/out")" 20
is 'cycles' "$(py 'thread["cycles"]')" 20
is 'samples in the histogram' "$(py 'sum(thread["histogram"].values())')" 0
is 'fields of the thread' "$(py '" ".join(thread)')" 'histogram cycles min max avg cpu node'
is 'word of overflows anywhere' "$(grep -ci overflow "$t/json" || true)" 0
is 'names with a colon' "$(py '[name for name in run if name.endswith(":")]')" "['cmdline:', 'rt_test_version:']"
