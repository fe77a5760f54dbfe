#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The same CPU number with a leading zero is two numbers to four tools.
# Expected: 010, as a script with %03d writes it, is CPU 10 everywhere, as in a kernel's own list (05 is 5) and in taskset.
# Seen: hwloc-calc 2.9.0 (pu:N) and libvirt 9.0.0 read CPU 10; systemd 252 (CPUAffinity=, AllowedCPUs=) reads octal, CPU 8,
# and so does numactl 2.0.16, where 08 is "invalid" on any machine (a number beyond the last is "out of range").
# A host that is scripted with two of them is pinned in two places. The reader of systemd is called in its library, as the
# unit loader does. Where known: strtoul with base 0 in libnuma and systemd.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        numactl=2.0.16-1 libnuma1=2.0.16-1 hwloc-nox=2.9.0-1 libhwloc15=2.9.0-1 libvirt-clients=9.0.0-4+deb12u2 libvirt0=9.0.0-4+deb12u2 libsystemd-shared=252.39-1~deb12u2 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
is 'hwloc-calc pu:010' "$("$t/usr/bin/hwloc-calc" -i 'pack:1 [numa] core:16 pu:1' pu:010)" 0x00000400
echo "<domain type='test'><name>a</name><memory>1024</memory><vcpu cpuset='010'>1</vcpu><os><type>hvm</type></os></domain>" > "$t/d"
is 'libvirt cpuset=010' "$("$t/usr/bin/virsh" -q -c test:///default "define $t/d; dumpxml a" | grep -o "cpuset='[0-9]*'")" "cpuset='10'"
say() { "$t/usr/bin/numactl" -C "$1" true 2>&1 | grep -E '^<0|out of range' || true; }
is 'numactl -C 00' "$(say 00)" ''
is 'numactl -C 08' "$(say 08)" '<08> is invalid'
is 'numactl -C 9999' "$(say 9999)" 'libnuma: Warning: cpu argument 9999 is out of range'
unit() {
    python3 -c '
import ctypes, sys
lib = ctypes.CDLL(sys.argv[1])
lib.cpu_set_to_range_string.restype = ctypes.c_char_p
cpus = (ctypes.c_size_t * 2)()
r = lib.parse_cpu_set_full(sys.argv[2].encode(), ctypes.byref(cpus), False, None, None, 0, b"CPUAffinity")
print(r, lib.cpu_set_to_range_string(ctypes.byref(cpus)).decode())' "$t/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so" "$1"
}
is 'systemd CPUAffinity=10' "$(unit 10)" '0 10'
is 'systemd CPUAffinity=010' "$(unit 010)" '0 8'
