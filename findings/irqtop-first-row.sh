#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# irqtop 2.6 (Debian's, of ipt-netflow): the first row of /proc/interrupts and of /proc/softirqs is never shown.
# Expected: each row whose counts rise is listed, and "irqTotal" of a CPU is the sum of its interrupts.
# Seen: the row under the heading is left out, from the sum too. On x86 that is the old timer, which is still; on arm64 it may well be
# arch_timer, so that a CPU with a thousand timer interrupts a second has a total of 0. In softirqs it is HI.
# Source: read_table(), lines[2..-1]. The files are made, as arm64's, and mounted in a private mount namespace (root).

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        irqtop=2.6-4+deb12u1 ruby3.1=3.1.7+really3.1.2-0+deb12u1 libruby3.1=3.1.7+really3.1.2-0+deb12u1 ruby-curses=1.4.4-1+b2 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
export RUBYLIB="$t/usr/lib/ruby/3.1.0:$t/usr/lib/x86_64-linux-gnu/ruby/3.1.0:$t/usr/lib/x86_64-linux-gnu/ruby/vendor_ruby/3.1.0"
file() { # NUMBER: the text with counts that have grown by so much
    printf '           CPU0       CPU1       \n'
    printf ' 11: %10d %10d     GICv3  26 Level     arch_timer\n' $((1000000 + $1)) $((2000000 + $1))
    printf ' 52: %10d %10d   ITS-MSI 1048576 Edge      nvme0q1\n' $((3000000 + $1)) 0
}
soft() {
    printf '                    CPU0       CPU1       \n'
    printf '          HI: %10d %10d\n      NET_RX: %10d %10d\n' $((1000000 + $1)) 0 $((1000000 + $1)) 0
}
file 0 > "$t/interrupts"
soft 0 > "$t/softirqs"
for i in {1..600}; do # in place and of one length, so that no reader meets half a file
    file $((i * 1000)) | dd of="$t/interrupts" conv=notrunc bs=4096 status=none
    soft $((i * 1000)) | dd of="$t/softirqs" conv=notrunc bs=4096 status=none
    sleep 0.1
done &
pid=$!
trap 'kill "$pid" 2>/dev/null; wait; rm -rf "$t"' EXIT
# shellcheck disable=SC2016
unshare -m sh -c 'mount --bind "$1/interrupts" /proc/interrupts && mount --bind "$1/softirqs" /proc/softirqs && shift && exec "$@"' - "$t" \
    "$t/usr/bin/ruby3.1" "$t/usr/bin/irqtop" -b -C 1 2 > "$t/out" 2>"$t/err"
is 'rows of interrupts' "$(awk '$1 == "i" { print $2 }' "$t/out" | sort -u)" 52:
is 'rows of software interrupts' "$(awk '$1 == "s" { print $2 }' "$t/out" | sort -u)" NET_RX:
is 'CPUs with a total above 0' "$(awk '$1 == "irqTotal:" { print ($2 > 0), ($3 > 0) }' "$t/out" | sort -u)" '1 0'
