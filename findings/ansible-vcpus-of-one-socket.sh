#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# ansible-core 2.14.18: one thread offline halves ansible_processor_vcpus, or leaves it too high, by the socket it is on.
# Expected: of two sockets with two cores of two threads, of which one thread is offline, processor_vcpus is 7, and
# processor_threads_per_core stays 2; of a hybrid processor with 2 fast cores (4 threads) and 4 slow ones it is 8.
# Seen: with CPU 3 offline 4 and 1 ("no SMT"), with CPU 6 offline 8 and 2, of the hybrid one 6 and 1. The siblings of the very first CPU
# are divided by the cores of the first socket, rounded down, and the product is given out as a count; templates that place
# vCPUs or size queues by it leave out half of a host.
# Source: module_utils/facts/hardware/linux.py, get_cpu_facts(). The file is as the kernel writes it, and mounted in a private
# mount namespace (root).

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        ansible-core=2.14.18-0+deb12u2 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
cpuinfo() { # CPU...: two sockets, two cores each, two threads each, with these online
    local i j n
    for i; do
        n=0
        for j; do
            ((i / 4 != j / 4)) || n=$((n + 1))
        done
        cpu "$i" $((i / 4)) "$n" $((i % 4 / 2)) 2
    done
}
cpu() { # NUMBER SOCKET SIBLINGS CORE CORES
    printf 'processor\t: %d\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: X\nphysical id\t: %d\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\n\n' "$@"
}
hybrid() {
    local i=0 core
    for core in 0 0 4 4 8 9 10 11; do
        cpu "$i" 0 8 "$core" 6
        i=$((i + 1))
    done
}
facts() { # of the text on the input: vCPUs and threads a core
    cat > "$t/cpuinfo"
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount --bind "$1/cpuinfo" /proc/cpuinfo && shift && exec "$@"' - "$t" \
        env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" /usr/bin/python3 -c '
from ansible.module_utils.facts.hardware.linux import LinuxHardware
facts = LinuxHardware(None).get_cpu_facts({"ansible_architecture": "x86_64"})
print(facts["processor_vcpus"], facts["processor_threads_per_core"])'
}
is 'vCPUs and threads per core, all 8 online' "$(cpuinfo 0 1 2 3 4 5 6 7 | facts)" '8 2'
is 'CPU 3 offline' "$(cpuinfo 0 1 2 4 5 6 7 | facts)" '4 1'
is 'CPU 6 offline' "$(cpuinfo 0 1 2 3 4 5 7 | facts)" '8 2'
is 'hybrid with 8 threads' "$(hybrid | facts)" '6 1'
