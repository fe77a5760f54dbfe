#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# QEMU 7.2: an iothread whose id is longer than 12 characters has no thread name.
# Expected: with debug-threads=on an iothread is named "IO " and its id, cut at the kernel's 15 characters if need be, as
# vCPUs are "CPU 0/KVM".
# Seen: it keeps qemu-system-x86, the name of the main loop and of workers; scripts that pin by comm (IO *) miss it, without a
# word from QEMU, and pin it with the emulator threads.
# Where known: pthread_setname_np() refuses longer names as a whole, and the result is not looked at.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        qemu-system-x86=1:7.2+dfsg-7+deb12u18+b3 qemu-system-data=1:7.2+dfsg-7+deb12u18 seabios=1.16.2-1 qemu-system-common=1:7.2+dfsg-7+deb12u18+b3 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
names() { # of the iothreads made
    mkfifo "$t/in.$1"
    QEMU_MODULE_DIR="$t/usr/lib/x86_64-linux-gnu/qemu" "$t/usr/bin/qemu-system-x86_64" -L "$t/usr/share/qemu" -L "$t/usr/share/seabios" \
        -nodefaults -display none -accel tcg -S -m 32 -name x,debug-threads=on -qmp stdio -object "iothread,id=$1" \
        < "$t/in.$1" > "$t/out" 2>&1 &
    local p=$!
    exec 3> "$t/in.$1"
    # shellcheck disable=SC2016
    timeout 10 sh -c 'until grep -q QMP "$0"; do sleep 0.2; done' "$t/out"
    cat /proc/$p/task/*/comm | grep '^IO ' | grep -v 'mon_iothread' || echo none
    printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"quit"}' >&3
    exec 3>&-
    wait $p
}
is 'id of 12 characters' "$(names databasedisk)" 'IO databasedisk'
is 'id of 13 characters' "$(names database-disk)" none
