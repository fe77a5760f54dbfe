#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# DPDK 22.11: --lcores pins one lcore twice and two lcores to one CPU without a word, and takes ranges that -l refuses.
# Expected: 5@1,5@0 is a slip, refused as -l refuses text it cannot mean; at least a warning like the one for service cores.
# Seen: the last one counts, lcore 5 is on CPU 0. "0-1,0@1" moves lcore 0 to CPU 1, where lcore 1 polls already: two
# busy-waiting threads on one CPU, and CPU 0 idle. 1-0 is "invalid core list syntax" to -l and 0-1 to --lcores of the same
# program. Needs CPUs 0 and 1.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        librte-eal23=22.11.11-0+deb12u1 librte-kvargs23=22.11.11-0+deb12u1 librte-telemetry23=22.11.11-0+deb12u1 \
        libnuma1=2.0.16-1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
mkdir "$t/run"
lcores() { # OPTION VALUE: the lcores and the mask of each
    RUNTIME_DIRECTORY="$t/run" python3 -c '
import ctypes, os, sys
class Set(ctypes.Structure):
    _fields_ = [("bits", ctypes.c_uint64 * 16)]
eal = ctypes.CDLL("librte_eal.so.23")
eal.rte_lcore_cpuset.restype = Set
words = [b"a"] + [w.encode() for w in sys.argv[1:]] + "--no-huge --no-pci --no-shconf --no-telemetry -m 16".encode().split()
if eal.rte_eal_init(len(words), (ctypes.c_char_p * (len(words) + 1))(*words)) < 0:
    print("\nrefused")
else:
    print(*("%d:%x" % (n, eal.rte_lcore_cpuset(n).bits[0]) for n in range(16) if eal.rte_lcore_is_enabled(n)))
sys.stdout.flush()
os._exit(0)' "$@" 2> "$t/err" | tail -n 1
}
is '-l 0-1' "$(lcores -l 0-1)" '0:1 1:2'
is '--lcores 5@1' "$(lcores --lcores 5@1)" '5:2'
is '--lcores 5@1,5@0' "$(lcores --lcores 5@1,5@0)" '5:1'
is '--lcores 0-1,0@1' "$(lcores --lcores 0-1,0@1)" '0:2 1:2'
is 'said of it' "$(grep -ciE 'warn|overlap|twice|already|same' "$t/err" || true)" 0
is '-l 1-0' "$(lcores -l 1-0)" refused
is '--lcores 1-0' "$(lcores --lcores 1-0)" '0:1 1:2'
