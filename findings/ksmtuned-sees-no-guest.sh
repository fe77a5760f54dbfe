#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ksmtuned 4.20150326 (Debian): the guests that libvirt starts have no memory.
# Expected: "starts ksm when memory commited to qemu processes exceeds a threshold": a guest's memory counts, whoever started it.
# Seen: only processes count whose command line begins with "qemu-system" and has "-enable-kvm", typed by hand without a path. libvirt
# starts /usr/bin/qemu-system-x86_64 with -accel kvm, so "committed" is 0 on its hosts and page merging waits until free memory
# is under the threshold itself. -accel kvm alone, or the path alone, is enough not to count.
# The processes are sleepers with such command lines in a pid namespace of their own (root); /sys is a made one.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        ksmtuned=4.20150326+b1 procps=2:4.0.2-3 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
mkdir -p "$t/sys/kernel/mm/ksm"
cat > "$t/inside" <<'I'
sys=$1; ksmtuned=$2; shift 2
mount --bind "$sys" /sys
(exec -a "$1" perl -e 'sleep 60' -- "${@:2}") &
sleep 1
KSM_MONITOR_INTERVAL=1 DEBUG=1 PIDFILE="$sys/pid" bash "$ksmtuned" > "$sys/out" 2>&1 &
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    ! grep -q committed "$sys/out" || break
done
sed -n 's/.*: committed \([0-9]*\) free.*/\1/p' "$sys/out" | head -n 1
I
committed() { # COMMAND LINE: is any memory of it counted
    [ "$(unshare -m -p -f --mount-proc bash "$t/inside" "$t/sys" "$t/usr/sbin/ksmtuned" "$@")" -gt 0 ] && echo some || echo none
}
is 'qemu-system-x86_64 -enable-kvm' "$(committed qemu-system-x86_64 -name a -enable-kvm)" some
is 'qemu-system-x86_64 -accel kvm' "$(committed qemu-system-x86_64 -name a -accel kvm)" none
is '/usr/bin/qemu-system-x86_64 -enable-kvm' "$(committed /usr/bin/qemu-system-x86_64 -name a -enable-kvm)" none
is "libvirt's" "$(committed /usr/bin/qemu-system-x86_64 -name guest=a,debug-threads=on -S -machine pc-q35-7.2,usb=off -accel kvm)" none
is 'its pattern' "$(grep -o "pgrep.*'" "$t/usr/sbin/ksmtuned")" "pgrep -f -d ' ' '^qemu-system.*-enable-kvm'"
