#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# libvirt 9.0.0: naming one vCPU in <vcpus> switches the others off, against current=.
# Expected: <vcpus> "allows to control state of individual vCPUs"; of 4 with <vcpu id='0' enabled='yes' hotpluggable='no'/>, what QEMU
# wants of vCPU 0 anyway, the others stay as <vcpu current='4'>4</vcpu> says, or the contradiction is refused, as current='6' of 4 is.
# Seen: the guest has one vCPU; current='4' is stored as current='1', no word, and the pins of the vCPUs that are off are kept, so that the
# document still looks like one of four. And one id twice, yes and no, is taken, the last counts: 0 vCPUs are defined, where
# two <vcpupin> of one vCPU are an error.

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
defined() { # ELEMENTS: what is stored of the number, and how many vCPUs are on
    echo "<domain type='test'><name>a</name><memory>1024</memory>$1<os><type>hvm</type></os></domain>" > "$t/d"
    "$t/usr/bin/virsh" -q -c test:///default "define $t/d; dumpxml a; vcpucount a --config --current" 2>&1 |
        sed -nE "s/.*(duplicate vcpupin|must not be less than current).*/\1/p; s/.*<vcpu placement='static'( current='[0-9]+')?>.*/\1/p; /^[0-9]+\$/p; s/.*(<vcpupin.*>)/\1/p" | paste -sd' '
}
is "current='2'" "$(defined "<vcpu current='2'>4</vcpu>")" " current='2' 2"
is "current='6'" "$(defined "<vcpu current='6'>4</vcpu>")" 'must not be less than current'
is "current='4', vCPU 0 listed" "$(defined "<vcpu current='4'>4</vcpu><vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/></vcpus>")" " current='1' 1"
is 'with a pin of vCPU 3' "$(defined "<vcpu>4</vcpu><vcpus><vcpu id='0' enabled='yes'/></vcpus><cputune><vcpupin vcpu='3' cpuset='1'/></cputune>")" \
    " current='1' <vcpupin vcpu='3' cpuset='1'/> 1"
is 'one id twice' "$(defined "<vcpu>4</vcpu><vcpus><vcpu id='0' enabled='yes'/><vcpu id='0' enabled='no'/></vcpus>")" " current='0' 0"
is 'two pins of one vCPU' "$(defined "<vcpu>4</vcpu><cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='0' cpuset='2'/></cputune>")" 'duplicate vcpupin'
