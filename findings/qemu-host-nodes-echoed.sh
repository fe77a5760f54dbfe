#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# QEMU 7.2: memory-backend-ram says it is bound to host nodes that do not exist.
# Expected: host-nodes=0,host-nodes=63 with policy=bind is refused on a host without node 63 (63 alone is), or query-memdev,
# which is read to find where a guest's memory lies, leaves it out.
# Seen: accepted; query-memdev lists 0 and 63. The same excess on a thread-context object (cpu-affinity=0,99) is dropped, and
# that object reports what is really in force: two objects of one feature, one echoes the wish and one the fact.
# Where known: mbind(2) and sched_setaffinity(2) leave out what is not there. Needs a host without node 63 and CPU 4000.

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
mem() { ask query-memdev -object "memory-backend-ram,id=m0,size=64M,policy=bind,$1" -machine memory-backend=m0 | grep -oE '"host-nodes": \[[^]]*\]' || cut -d: -f2- "$t/err"; }
is 'host-nodes=63' "$(mem host-nodes=63)" ' cannot bind memory to host NUMA nodes: Invalid argument'
is 'host-nodes=0,host-nodes=63' "$(mem host-nodes=0,host-nodes=63)" '"host-nodes": [0, 63]'
is 'thread-context cpu-affinity=0,4000' "$(
    ask 'qom-get","arguments":{"path":"/objects/c","property":"cpu-affinity"},"id":"x' -object thread-context,id=c,cpu-affinity=0,cpu-affinity=4000 |
        grep -oE '"return": \[[^]]*\]')" '"return": [0]'
