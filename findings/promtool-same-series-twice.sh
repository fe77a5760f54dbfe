#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# promtool 2.42.0: "check metrics" passes a file with the same series twice, with two values.
# Expected: a page of metrics whose series stand there twice, which the text format rules out (a name with its
# labels stands once), is refused by the linter, as a label given twice in one series is.
# Seen: exit status 0 and no word. A textfile of per-CPU interrupt counts in which two rows carry one CPU passes the check in CI.

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
check() { printf '# HELP irq_total Interrupts.\n# TYPE irq_total counter\n%b' "$1" | "$t/usr/bin/promtool" check metrics 2>&1; echo "status $?"; }
is 'a label twice' "$(check 'irq_total{cpu="0",cpu="1"} 1\n' | tail -n 1)" 'status 1'
is 'a series twice' "$(check 'irq_total{cpu="0"} 1\nirq_total{cpu="0"} 2\n')" 'status 0'
is 'a counter below zero' "$(check 'irq_total{cpu="0"} -1\n')" 'status 0'
