#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# QEMU 7.2: the two threads of one core may lie on two NUMA nodes, and nothing is said.
# Expected: with threads=2 vCPUs 0 and 1 share core 0, so cpus=0,cpus=2 and cpus=1,cpus=3 (the numbering of many hosts, where
# siblings are N and N+half) is refused, or at least warned about like a CPU without any node.
# Seen: started without a word; query-cpus-fast shows core 0 on nodes 0 and 1. The guest gets a topology no machine has,
# and pins made by "one core, one node" go to the wrong memory.

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
where() { ask query-cpus-fast "$@" | grep -oE '"props": \{[^}]*\}' | sed -E 's/.*"core-id": ([0-9]+).*"thread-id": ([0-9]+).*"node-id": ([0-9]+).*/core \1 thread \2 node \3;/' | tr '\n' ' '; }
is 'vCPUs' "$(where -smp 4,sockets=1,cores=2,threads=2 \
    -object memory-backend-ram,id=m0,size=32M -object memory-backend-ram,id=m1,size=32M \
    -numa node,memdev=m0,cpus=0,cpus=2 -numa node,memdev=m1,cpus=1,cpus=3)" \
    'core 0 thread 0 node 0; core 0 thread 1 node 1; core 1 thread 0 node 0; core 1 thread 1 node 1; '
is 'words on stderr' "$(wc -c < "$t/err")" 0
