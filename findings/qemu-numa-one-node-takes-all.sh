#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# QEMU 7.2: two NUMA nodes and four vCPUs without cpus= put every vCPU on node 0, and node 1 has memory only.
# Expected: vCPUs that nobody assigns are spread over the nodes, as -numa node,memdev= twice did up to machine version 6.1.
# Seen: all on node 0 and no warning, while leaving out one CPU of a given list draws two warnings.
# Where known: CPUs without a node are dealt out by socket, and since 6.2 -smp 4 is one socket of 4 cores, not 4 sockets.

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
ask() { # the answer to one QMP command of a machine that runs nothing
    printf "%s\n" "{\"execute\":\"qmp_capabilities\"}" "{\"execute\":\"$1\"}" "{\"execute\":\"quit\"}" |
        QEMU_MODULE_DIR="$t/usr/lib/x86_64-linux-gnu/qemu" "$t/usr/bin/qemu-system-x86_64" -L "$t/usr/share/qemu" -L "$t/usr/share/seabios" -nodefaults -display none -accel tcg -S -m 64 \
            -cpu Nehalem -qmp stdio "${@:2}" 2>"$t/err" | grep -F "\"return\": ["
}
nodes() { ask query-cpus-fast "$@" | grep -oE '"node-id": [0-9]+' | tr -dc '0-9\n' | tr '\n' ' '; }
m=(-object 'memory-backend-ram,id=m0,size=32M' -object 'memory-backend-ram,id=m1,size=32M')
is 'node of each vCPU with -smp 4' "$(nodes -smp 4 "${m[@]}" -numa node,memdev=m0 -numa node,memdev=m1)" '0 0 0 0 '
is 'warnings' "$(grep -c warning "$t/err" || true)" 0
is 'with -smp 4,sockets=4' "$(nodes -smp 4,sockets=4 "${m[@]}" -numa node,memdev=m0 -numa node,memdev=m1)" '0 1 0 1 '
is 'machine pc-q35-6.1 with -smp 4' "$(nodes -M pc-q35-6.1 -smp 4 "${m[@]}" -numa node,memdev=m0 -numa node,memdev=m1)" '0 1 0 1 '
