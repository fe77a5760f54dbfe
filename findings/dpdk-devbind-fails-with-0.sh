#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# DPDK 22.11: dpdk-devbind.py --bind that could not bind ends with status 0.
# Expected: a status other than 0, as when the driver is not loaded or the device unknown, and as --unbind has when it cannot.
# Seen: "Error: bind failed", and 0, where the kernel refuses the device, as it does on a host without an IOMMU; what comes after && in a
# start script is started. And of two devices, of which the second is a slip, the first is bound before the slip is seen: the list
# is not looked at as a whole, as the code means to, but one by one.
# The sysfs files are made and mounted in a private mount namespace (root); a write that the kernel refuses is one to /dev/full.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        dpdk=22.11.11-0+deb12u1 pciutils=1:3.9.0-4 libpci3=1:3.9.0-4 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
s=$t/sys
mkdir -p "$s/module/vfio_pci" "$s/bus/pci/drivers/vfio-pci" "$s/bus/pci/devices/0000:3b:00.0" "$t/path"
cat > "$t/dump" <<'I'
3b:00.0 Ethernet controller
00: 86 80 72 15 06 04 10 00 02 00 00 02 08 00 80 00
I
printf '#!/bin/sh\nexec "%s/usr/bin/lspci" -F "%s/dump" "$@"\n' "$t" "$t" > "$t/path/lspci"
printf '#!/bin/sh\n' > "$t/path/ip" # no routes
chmod +x "$t/path/lspci" "$t/path/ip"
bind() { # FILE-BEHIND-bind DEVICE...: the last line that is printed, the status, and what was written
    ln -sf "$1" "$s/bus/pci/drivers/vfio-pci/bind"
    : > "$t/written"; : > "$s/bus/pci/devices/0000:3b:00.0/driver_override"
    local rc=0
    # shellcheck disable=SC2016
    PATH="$t/path:$PATH" unshare -m sh -c 'mount --bind "$1/sys" /sys && shift && exec "$@"' - "$t" \
        python3 "$t/usr/bin/dpdk-devbind.py" -b vfio-pci "${@:2}" > "$t/out" 2>&1 || rc=$?
    grep -oE '^Error: bind failed|Unknown device' "$t/out" | sort -u
    echo "status $rc, written: $(cat "$t/written")"
}
is 'bound' "$(bind "$t/written" 3b:00.0)" 'status 0, written: 0000:3b:00.0'
is 'an unknown device' "$(bind "$t/written" 3b:00.1)" $'Unknown device\nstatus 1, written: '
is 'refused' "$(bind /dev/full 3b:00.0)" $'Error: bind failed\nstatus 0, written: '
is 'the second is unknown' "$(bind "$t/written" 3b:00.0 3b:00.1)" $'Unknown device\nstatus 1, written: 0000:3b:00.0'
