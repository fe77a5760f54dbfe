#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# pciutils 3.9.0: lspci's machine-readable output leaves the domain out for some devices of one machine.
# Expected: "by default, lspci suppresses [domain numbers] on machines which have only domain 0"; with a VMD domain (10000:) in
# the machine all devices carry it, in -mm and -vmm as in the plain listing, so that the first field is a key.
# Seen: plain: 0000:3b:00.0 and 10000:e1:00.0; -mm and -vmm: 3b:00.0 and 10000:e1:00.0. Joined with a plain listing, with sysfs
# or with names in /proc/interrupts, which write 0000:, the devices of domain 0 fall out. -D helps.
# Source: lspci.c, show_slot_name(), which has a rule of its own for the machine modes.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        pciutils=1:3.9.0-4 libpci3=1:3.9.0-4 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
cat > "$t/dump" <<'I'
3b:00.0 Ethernet controller
00: 86 80 72 15 06 04 10 00 02 00 00 02 08 00 80 00

10000:e1:00.0 Non-Volatile memory controller
00: 86 80 60 0b 06 04 10 00 00 02 08 01 08 00 00 00
I
slots() { "$t/usr/bin/lspci" -F "$t/dump" -n "$@" | sed -nE 's/^(Slot:\t)?([0-9a-f:]+:[0-9a-f]{2}\.[0-7]).*/\2/p' | tr '\n' ' '; }
is 'lspci -n' "$(slots)" '0000:3b:00.0 10000:e1:00.0 '
is 'lspci -n -mm' "$(slots -mm)" '3b:00.0 10000:e1:00.0 '
is 'lspci -n -vmm' "$(slots -vmm)" '3b:00.0 10000:e1:00.0 '
is 'lspci -n -mm -D' "$(slots -mm -D)" '0000:3b:00.0 10000:e1:00.0 '
