#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# libvirt 9.0.0: a pin of a vCPU the domain does not have vanishes; the same slip elsewhere is an error.
# Expected: <vcpupin vcpu='7'> in a domain of 2 vCPUs is refused by define, as iothreadpin and vcpusched are.
# Seen: define succeeds, and the element is gone from the stored XML; a mistyped number leaves the vCPU unpinned.
# The only word about it is a warning in the log ("Ignoring vcpupin for missing vcpus").

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
virt() {
    echo "<domain type='test'><name>a</name><memory>1024</memory><vcpu>2</vcpu><iothreads>1</iothreads><cputune>$1</cputune><os><type>hvm</type></os></domain>" > "$t/d"
    "$t/usr/bin/virsh" -q -c test:///default "define $t/d; dumpxml a" 2>/dev/null > "$t/out" && grep -cE 'vcpupin|iothreadpin|vcpusched' "$t/out" || echo "status ${PIPESTATUS[0]}"
}
is "vcpupin vcpu='1', elements kept" "$(virt "<vcpupin vcpu='1' cpuset='1'/>")" 1
is "vcpupin vcpu='7', elements kept" "$(virt "<vcpupin vcpu='1' cpuset='1'/><vcpupin vcpu='7' cpuset='1'/>")" 1
is "iothreadpin iothread='7'" "$(virt "<iothreadpin iothread='7' cpuset='1'/>")" 'status 1'
is "vcpusched vcpus='7'" "$(virt "<vcpusched vcpus='7' scheduler='fifo' priority='1'/>")" 'status 1'
