#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# promtool 2.42.0: "check metrics" passes histograms that cannot be.
# Expected: buckets of a histogram are cumulative, end with le="+Inf", and that one equals _count (the text format says so);
# the linter, which does complain of an le label on a gauge, complains of these.
# Seen: exit status 0 for falling buckets, for no +Inf bucket, for a _count that differs, and for samples without _bucket.
# Latency histograms written by hand (of an interrupt's wait, say) reach the server, where quantiles of them are wrong.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        prometheus=2.42.0+ds-5+deb12u1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
check() { printf '# HELP irq_wait_seconds Wait.\n# TYPE irq_wait_seconds %s\n%b' "$1" "$2" | "$t/usr/bin/promtool" check metrics 2>&1; echo "status $?"; }
b=irq_wait_seconds_bucket
end='irq_wait_seconds_sum 1\nirq_wait_seconds_count 9\n'
is 'le on a gauge' "$(check gauge 'irq_wait_seconds{le="1"} 1\n' | tail -n 1)" 'status 3'
is 'falling buckets' "$(check histogram "$b{le=\"1\"} 5\n$b{le=\"+Inf\"} 2\n$end")" 'status 0'
is 'no +Inf' "$(check histogram "$b{le=\"1\"} 9\n$end")" 'status 0'
is 'no buckets' "$(check histogram 'irq_wait_seconds{le="1"} 9\n')" 'status 0'
