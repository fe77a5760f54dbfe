#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# QEMU 7.2: addr of a device means one thing as a JSON string and another as a JSON number.
# Expected: "addr=<int32> - Slot and optional function number, example: 06.0 or 06" (-device pci-testdev,help): the number 16 is
# slot 16, or it is refused.
# Seen: the number is slot times 8 plus function, so 16 is slot 2, 10 is function 2 of slot 1; the text "16", hexadecimal, is slot
# 22. Nothing is said. A tool that makes the JSON of -device or device_add with a number puts devices, and the interrupt pins that go
# by slot, elsewhere than asked, and a guest's lspci is the first to tell.

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
slot() { # OPTION of -device: slot.function of the device
    printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"query-pci"}' '{"execute":"quit"}' |
        QEMU_MODULE_DIR="$t/usr/lib/x86_64-linux-gnu/qemu" "$t/usr/bin/qemu-system-x86_64" -L "$t/usr/share/qemu" \
            -L "$t/usr/share/seabios" -nodefaults -display none -M q35 -accel tcg -S -m 64 -qmp stdio -device "$1" 2>"$t/err" |
        python3 -c '
import json, sys
for line in sys.stdin:
    answer = json.loads(line).get("return")
    for d in answer[0]["devices"] if isinstance(answer, list) else []:
        if d["qdev_id"] == "x":
            print("%d.%d" % (d["slot"], d["function"]))'
}
is 'addr=10' "$(slot pci-testdev,id=x,addr=10)" 16.0
is '"addr":"10"' "$(slot '{"driver":"pci-testdev","id":"x","addr":"10"}')" 16.0
is '"addr":"16"' "$(slot '{"driver":"pci-testdev","id":"x","addr":"16"}')" 22.0
is '"addr":16' "$(slot '{"driver":"pci-testdev","id":"x","addr":16}')" 2.0
is '"addr":10' "$(slot '{"driver":"pci-testdev","id":"x","addr":10}')" 1.2
is 'words on stderr' "$(wc -c < "$t/err")" 0
