#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# numactl 2.0.16: pci:ADDRESS finds the node of devices on a root bus only.
# Expected: "pci:[seg:]bus:dev[:func] The node of a PCI device" takes each device of /sys/bus/pci/devices that has a numa_node; nearly all
# cards that one wants to be near to, NICs and NVMe, sit behind a port of a root bus.
# Seen: 3b:00.0, which is on root bus 3b itself, is found; 3c:00.0, behind a port of it, is "Cannot read node mask", status 1, as if the
# kernel did not know its node. netdev: with the network interface of the same device finds it.
# Where known: the path is made of the address, /sys/devices/pci0000:3c/0000:3c:00.0, where no device behind a port is.
# The tree is as a kernel shows it, and mounted in a private mount namespace (root).

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        numactl=2.0.16-1 libnuma1=2.0.16-1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
s=$t/sys
mkdir -p "$s/devices/system/cpu/cpu0" "$s/devices/system/node/node0" "$s/bus/pci/devices" "$s/class/net"
cp /sys/devices/system/cpu/{possible,present,online} "$s/devices/system/cpu"
cp /sys/devices/system/node/node0/{cpulist,cpumap,meminfo,distance} "$s/devices/system/node/node0"
device() { # PATH below devices
    mkdir -p "$s/devices/$1"
    echo 0 > "$s/devices/$1/numa_node"
    ln -s "../../../devices/$1" "$s/bus/pci/devices/${1##*/}"
}
device pci0000:3b/0000:3b:00.0
device pci0000:3b/0000:3b:01.0
device pci0000:3b/0000:3b:01.0/0000:3c:00.0
mkdir "$s/devices/pci0000:3b/0000:3b:01.0/0000:3c:00.0/net" "$s/class/net/eth7"
ln -s ../../../devices/pci0000:3b/0000:3b:01.0/0000:3c:00.0 "$s/class/net/eth7/device"
near() { # NODE-OF: what is said, and the status
    local rc=0
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount --bind "$1/sys" /sys && shift && exec "$@"' - "$t" "$t/usr/bin/numactl" -m "$1" true > "$t/out" 2>&1 || rc=$?
    echo "$(grep -o 'Cannot read node mask' "$t/out" || true) status $rc"
}
is 'in /sys/bus/pci/devices with a node' "$(cd "$s/bus/pci/devices" && grep -l 0 ./*/numa_node | tr '\n' ' ')" './0000:3b:00.0/numa_node ./0000:3b:01.0/numa_node ./0000:3c:00.0/numa_node '
is 'pci:3b:00.0' "$(near pci:3b:00.0)" ' status 0'
is 'pci:3b:01.0' "$(near pci:3b:01.0)" ' status 0'
is 'pci:3c:00.0' "$(near pci:3c:00.0)" 'Cannot read node mask status 1'
is 'netdev:eth7, which is 3c:00.0' "$(near netdev:eth7)" ' status 0'
