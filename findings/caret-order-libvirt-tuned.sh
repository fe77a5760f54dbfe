#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# "All but CPU 2", written with the exclusion first, is two sets to libvirt 9.0.0 and tuned 2.20.0, which both know ^.
# Expected: the sign they share means the same. libvirt's documentation speaks of exclusion "from a previous range", which
# leaves an exclusion without one an error, and its schema takes the text.
# Seen: tuned subtracts at the end (0-1,3), libvirt at the place where it stands (0-3: CPU 2 is in, no word said),
# and 0-3,^7 excludes nothing in silence in both. A range may be excluded in tuned (0-7,^2-3); libvirt refuses that.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        tuned=2.20.0-1 libvirt-clients=9.0.0-4+deb12u2 libvirt0=9.0.0-4+deb12u2 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
virt() {
    echo "<domain type='test'><name>a</name><memory>1024</memory><vcpu cpuset='$1'>1</vcpu><os><type>hvm</type></os></domain>" > "$t/d"
    "$t/usr/bin/virsh" -q -c test:///default "define $t/d; dumpxml a" 2>&1 | grep -oE "cpuset='[^']*'|Failed to parse" || true
}
tune() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" python3 -c '
import sys
from tuned.utils.commands import commands
print(",".join(commands().cpulist_pack(commands().cpulist_unpack(sys.argv[1]))))' "$1" 2>&1
}
is 'libvirt 0-3,^2' "$(virt 0-3,^2)" "cpuset='0-1,3'"
is 'tuned   0-3,^2' "$(tune 0-3,^2)" 0-1,3
is 'libvirt ^2,0-3' "$(virt ^2,0-3)" "cpuset='0-3'"
is 'tuned   ^2,0-3' "$(tune ^2,0-3)" 0-1,3
is 'libvirt 0-7,^2-3' "$(virt 0-7,^2-3)" 'Failed to parse'
is 'tuned   0-7,^2-3' "$(tune 0-7,^2-3)" 0-1,4-7
