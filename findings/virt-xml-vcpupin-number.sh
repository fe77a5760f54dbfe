#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# virt-xml 4.1.0: the number in vcpupin0 is no vCPU.
# Expected: "--edit --cputune vcpupin0.cpuset=5" pins vCPU 0 to CPU 5.
# Seen: it changes the first <vcpupin> of the XML, whichever vCPU that is (2 in this domain); and a number beyond the elements,
# vcpupin3 for vCPU 3, adds one without vcpu=, which libvirt 9.0.0 refuses. virt-xml says nothing, status 0.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        virtinst=1:4.1.0-2 python3-libvirt=9.0.0-1 libvirt-clients=9.0.0-4+deb12u2 libvirt0=9.0.0-4+deb12u2 python3-gi=3.42.2-3+b1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
export PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME="$t" GI_TYPELIB_PATH="$t/usr/lib/x86_64-linux-gnu/girepository-1.0"
cat > "$t/d" <<'X'
<domain type='test'><name>a</name><memory>1024</memory><vcpu>4</vcpu><cputune>
<vcpupin vcpu='2' cpuset='2'/>
<vcpupin vcpu='0' cpuset='0'/>
</cputune><os><type>hvm</type></os></domain>
X
edit() {
    PYTHONPATH="$t/usr/share/virt-manager:$t/usr/lib/python3/dist-packages" /usr/bin/python3 -c 'from virtinst import virtxml; virtxml.runcli()' \
        --connect test:///default --edit --cputune "$1" --print-xml < "$t/d" > "$t/new"
    grep '<vcpupin' "$t/new" | tr -d '\n '
}
is 'vcpupin0.cpuset=5' "$(edit vcpupin0.cpuset=5)" '<vcpupinvcpu="2"cpuset="5"/><vcpupinvcpu="0"cpuset="0"/>'
is 'vcpupin3.cpuset=5' "$(edit vcpupin3.cpuset=5)" '<vcpupinvcpu="2"cpuset="2"/><vcpupinvcpu="0"cpuset="0"/><vcpupincpuset="5"/>'
is 'libvirt of the latter' "$("$t/usr/bin/virsh" -q -c test:///default "define $t/new" 2>&1 | grep -o 'Missing.*' || true)" \
    "Missing required attribute 'vcpu' in element 'vcpupin'"
