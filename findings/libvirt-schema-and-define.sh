#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# libvirt 9.0.0: the schema that virt-xml-validate uses and virsh define disagree in both directions about CPU lists.
# Expected: what validates can be defined, and what can be defined validates.
# Seen: "3-1", "0,^0" and "0-20000" validate and are refused by define; "0-3," and " 0 - 3 " do not validate and are defined,
# while "0,,3" is neither.
# Source: schemas/basictypes.rng, pattern of cpuset; src/util/virbitmap.c.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        libvirt-clients=9.0.0-4+deb12u2 libvirt0=9.0.0-4+deb12u2 libxml2-utils=2.9.14+dfsg-1.3~deb12u6 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
both() {
    local s=no d=no
    echo "<domain type='test'><name>a</name><memory>1024</memory><vcpu cpuset='$1'>1</vcpu><os><type>hvm</type></os></domain>" > "$t/d"
    "$t/usr/bin/xmllint" --noout --relaxng "$t/usr/share/libvirt/schemas/domain.rng" "$t/d" 2>/dev/null && s=yes
    "$t/usr/bin/virsh" -q -c test:///default "define $t/d" >/dev/null 2>&1 && d=yes
    echo "schema $s, define $d"
}
is '0-3' "$(both 0-3)" 'schema yes, define yes'
for l in 3-1 0,^0 0-20000; do is "$l" "$(both "$l")" 'schema yes, define no'; done
for l in '0-3,' ' 0 - 3 '; do is "$l" "$(both "$l")" 'schema no, define yes'; done
is '0,,3' "$(both 0,,3)" 'schema no, define no'
