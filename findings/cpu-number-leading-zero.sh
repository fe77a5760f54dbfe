#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The same CPU number with a leading zero is two numbers to three tools.
# Expected: 010, as a script with %03d writes it, is CPU 10 everywhere, as in a kernel's own list (05 is 5) and in taskset.
# Seen: hwloc-calc 2.9.0 and libvirt 9.0.0 read CPU 10; numactl 2.0.16 reads octal: 08 and 09 are "invalid" on any machine
# (a number beyond the last CPU is reported as "out of range"), so 010 there can only be CPU 8.
# A host that is scripted with two of them is pinned in two places. Where known: libnuma calls strtoul with base 0.
#
set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
    -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
    numactl=2.0.16-1 libnuma1=2.0.16-1 hwloc-nox=2.9.0-1 libhwloc15=2.9.0-1 libvirt-clients=9.0.0-4+deb12u2 libvirt0=9.0.0-4+deb12u2 >/dev/null
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
is 'hwloc-calc pu:010' "$("$t/usr/bin/hwloc-calc" -i 'pack:1 [numa] core:16 pu:1' pu:010)" 0x00000400
echo "<domain type='test'><name>a</name><memory>1024</memory><vcpu cpuset='010'>1</vcpu><os><type>hvm</type></os></domain>" > "$t/d"
is 'libvirt cpuset=010' "$("$t/usr/bin/virsh" -q -c test:///default "define $t/d; dumpxml a" | grep -o "cpuset='[0-9]*'")" "cpuset='10'"
say() { "$t/usr/bin/numactl" -C "$1" true 2>&1 | grep -E '^<0|out of range' || true; }
is 'numactl -C 00' "$(say 00)" ''
is 'numactl -C 08' "$(say 08)" '<08> is invalid'
is 'numactl -C 9999' "$(say 9999)" 'libnuma: Warning: cpu argument 9999 is out of range'
