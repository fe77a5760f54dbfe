#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sysstat 12.6.1: in mpstat -A and -I ALL the "intr/s" of a CPU is its software interrupts.
# Expected: "-I SUM" is "the total number of interrupts per processor", and ALL is "equivalent to specifying all the keywords", so the
# number is the same whatever stands beside it.
# Seen: 7000 of SUM become 70000 as soon as SCPU or ALL is asked for too: the row of each CPU is the sum of /proc/softirqs, and the
# interrupts of the CPU appear nowhere as a sum. A CPU that takes no interrupt but runs the network's softirqs looks like the busiest.
# The same in JSON. The two files are made, and mounted in a private mount namespace (root), with an uptime of 1000 seconds.
# Needs CPUs 0 and 1.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        sysstat=12.6.1-1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
cat > "$t/interrupts" <<'I'
            CPU0       CPU1       
 100:    6000000          0 IR-PCI-MSIX-0000:3b:00.0    0-edge      nvme0q1
 LOC:    1000000          0   Local timer interrupts
I
cat > "$t/softirqs" <<'I'
                    CPU0       CPU1       
      NET_RX:          0   70000000
I
echo '1000.00 1000.00' > "$t/uptime"
intr() { # KEYWORDS: the interrupts a second of CPUs 0 and 1 in the table of sums
    # shellcheck disable=SC2016
    unshare -m sh -c 'for f in interrupts softirqs uptime; do mount --bind "$1/$f" /proc/$f; done; shift; exec "$@"' - "$t" \
        "$t/usr/bin/mpstat" -P 0,1 "$@" | awk '$3 == "intr/s" { on = 1; next } !NF { on = 0 } on { printf "%d ", $3 }'
}
json() {
    # shellcheck disable=SC2016
    unshare -m sh -c 'for f in interrupts softirqs uptime; do mount --bind "$1/$f" /proc/$f; done; exec "$1/usr/bin/mpstat" -P 0,1 -I ALL -o JSON' - "$t" |
        grep -oE '"intr": [0-9.]+' | paste -sd' '
}
is '-I SUM' "$(intr -I SUM)" '7000 0 '
is '-I SUM,CPU' "$(intr -I SUM,CPU)" '7000 0 '
is '-I SUM,SCPU' "$(intr -I SUM,SCPU)" '0 70000 '
is '-I ALL' "$(intr -I ALL)" '0 70000 '
is '-A' "$(intr -A)" '0 70000 '
is '-I ALL -o JSON' "$(json)" '"intr": 0.00 "intr": 70000.00'
