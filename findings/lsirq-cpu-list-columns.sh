#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# util-linux 2.42.4 (Debian sid): lsirq --cpu-list counts columns of /proc/interrupts, not CPUs.
# Expected: "only show counters for these CPUs"; in a file with CPU0 CPU1 CPU4 CPU5 (2 and 3 offline), -C 4-5 gives the counts
# of CPUs 4 and 5, and a list of CPUs that are not there is an error, or empty.
# Seen: -C 4-5 gives zeros, and -C 2-3, two offline CPUs, gives the counts of 4 and 5; status 0, no word.
# So does any list beyond the last CPU: rows of zeros. Hosts that took threads offline read one CPU's load for another's.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir -p "$t/lists/partial" "$t/partial"
echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main' > "$t/list"
apt=(-qq -o "Dir::Etc::sourcelist=$t/list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$t/lists" -o "Dir::Cache=$t"
    -o APT::Sandbox::User=root -o Debug::NoLocking=1)
apt-get "${apt[@]}" update >/dev/null
(cd "$t" && apt-get "${apt[@]}" download util-linux-extra=2.42.4-1 util-linux=2.42.4-1 libsmartcols1=2.42.4-1 libc6=2.43-7 >/dev/null)
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done

cat > "$t/interrupts" <<'I'
            CPU0       CPU1       CPU4       CPU5       
 100:          1          2          3          4 IR-PCI-MSIX-0000:3b:00.0    0-edge      vfio-msix[0](0000:3b:00.0)
I
total() { # of the one row
    "$t/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --library-path "$t/usr/lib/x86_64-linux-gnu" \
        "$t/usr/bin/lsirq" -i "$t/interrupts" -n -o TOTAL "$@" | tr -d ' '
}
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
is 'all CPUs' "$(total)" 10
is '-C 0-1' "$(total -C 0-1)" 3
is '-C 4-5' "$(total -C 4-5)" 0
is '-C 2-3' "$(total -C 2-3)" 7
is '-C 9, status' "$(total -C 9; echo "${PIPESTATUS[0]}")" $'0\n0'
