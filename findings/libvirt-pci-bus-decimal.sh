#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# libvirt 9.0.0: bus='10' of a host device is not the bus 10 of lspci.
# Expected: the documentation of <address> calls domain, bus and slot hex values; 10:00.0 as lspci, sysfs, driverctl and QEMU's host=
# write it is bus='10', and what no reader can mean is refused.
# Seen: it is read as decimal and stored as bus='0x0a', another device, and 010 as octal, 0x08; no word from define. 3b is refused,
# so the slip is silent exactly where the bus number has no letter: one card of a host is refused, the next one is the wrong card.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        libvirt-clients=9.0.0-4+deb12u2 libvirt0=9.0.0-4+deb12u2 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
defined() { # ATTRIBUTES of the address: bus and slot as stored
    echo "<domain type='test'><name>a</name><memory>1024</memory><os><type>hvm</type></os><devices>
        <hostdev mode='subsystem' type='pci'><source><address $1 function='0'/></source></hostdev></devices></domain>" > "$t/d"
    "$t/usr/bin/virsh" -q -c test:///default "define $t/d; dumpxml a" 2>&1 | grep -oE "bus='[^']*' slot='[^']*'|Invalid value for attribute" || true
}
is "bus='0x10'" "$(defined "domain='0' bus='0x10' slot='0'")" "bus='0x10' slot='0x00'"
is "bus='10'" "$(defined "domain='0' bus='10' slot='0'")" "bus='0x0a' slot='0x00'"
is "bus='010'" "$(defined "domain='0' bus='010' slot='0'")" "bus='0x08' slot='0x00'"
is "bus='3b'" "$(defined "domain='0' bus='3b' slot='0'")" 'Invalid value for attribute'
is "slot='11'" "$(defined "domain='0' bus='0x10' slot='11'")" "bus='0x10' slot='0x0b'"
