#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# jc 1.22.5: the ERR and MIS rows of /proc/interrupts get the name of the row above them.
# Expected: `jc --proc-interrupts` says of ERR, which has one number and no text, that it has no type.
# Seen: "type": "Local timer interrupts" when LOC stands above it, "Posted-interrupt ..." if another does; and the names of a
# shared line keep their comma ("i801_smbus,"), the trigger among them as if it were a device.
# Source: jc/parsers/proc_interrupts.py, where the variable of the last row lives on.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        jc=1.22.5-1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
cat > "$t/interrupts" <<'I'
            CPU0       CPU1       
  16:          0          7 IR-IO-APIC   16-fasteoi   i801_smbus, vfio-intx(0000:00:1f.3)
 LOC:        100        200   Local timer interrupts
 ERR:          3
I
row() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" python3 -c '
import jc, sys
print(*(r[sys.argv[2]] for r in jc.parse("proc_interrupts", open(sys.argv[1]).read()) if r["irq"] == sys.argv[3]))' "$t/interrupts" "$1" "$2"
}
is 'type of LOC' "$(row type LOC)" 'Local timer interrupts'
is 'counts of ERR' "$(row interrupts ERR)" '[3]'
is 'type of ERR' "$(row type ERR)" 'Local timer interrupts'
is 'devices of 16' "$(row device 16)" "['16-fasteoi', 'i801_smbus,', 'vfio-intx(0000:00:1f.3)']"
