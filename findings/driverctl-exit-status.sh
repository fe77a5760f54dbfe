#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# driverctl 0.111: success and failure are the wrong way round in its exit status.
# Expected: an option it does not know ends with an error, as an unknown command does; a list of overrides that is empty is no error.
# Seen: --no-save, a slip for --nosave, prints the usage, does nothing and ends with 0: a provisioning script goes on with the network
# card bound to the host's driver. And list-overrides on a healthy host without overrides says "No overridable devices found. Kernel
# too old?" and ends with 1, where list-devices of the same host lists a device and ends with 0.
# The sysfs files are made, as a kernel shows them, and mounted in a private mount namespace (root). Nothing is bound.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        driverctl=0.111-1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
d=$t/sys/bus/pci/devices/0000:3b:00.0
mkdir -p "$d"
echo '(null)' > "$d/driver_override"
echo 0x020000 > "$d/class"
run() { # the first line it prints and the status
    local rc=0
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount --bind "$1/sys" /sys && shift && exec "$@"' - "$t" bash "$t/usr/sbin/driverctl" "$@" > "$t/out" 2>&1 || rc=$?
    head -n 1 "$t/out"
    echo "status $rc"
}
is 'list-devices' "$(run list-devices)" $'0000:3b:00.0 (none)\nstatus 0'
is 'list-overrides' "$(run list-overrides)" $'driverctl: No overridable devices found. Kernel too old?\nstatus 1'
is 'an unknown command' "$(run set-overide 0000:3b:00.0 vfio-pci)" $'Usage: driverctl [OPTIONS...] {COMMAND}...\nstatus 1'
is 'an unknown option' "$(run --no-save set-override 0000:3b:00.0 vfio-pci)" $'Usage: driverctl [OPTIONS...] {COMMAND}...\nstatus 0'
is 'driver_override' "$(cat "$d/driver_override")" '(null)'
