#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tuna 0.15 with python3-linux-procfs 0.6.3: of a shared interrupt line only the last device exists.
# Expected: IRQ 16 with "i801_smbus, vfio-intx(0000:00:1f.3)" is found by either name; the reader even splits at commas.
# Seen: tuna -q i801_smbus finds nothing and tuna --show_irqs lists the line under its last name alone, so what is
# selected by the first device's name is nothing, with status 0, and what is selected by the last one's is both, unseen.
# Source: procfs.py, interrupts.parse_entry(): blanks are split first, and only the last word is kept.
# The file is mounted over /proc/interrupts in a private mount namespace (root). Nothing is moved here.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        tuna=0.15-1 python3-linux-procfs=0.6.3-1.1+b2 >/dev/null && break
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
   9:          0         50 IR-IO-APIC    9-fasteoi   acpi
  16:          0          7 IR-IO-APIC   16-fasteoi   i801_smbus, vfio-intx(0000:00:1f.3)
I
tuna() {
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount --bind "$1/interrupts" /proc/interrupts && shift && exec "$@"' - "$t" \
        env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" python3 "$t/usr/bin/tuna" "$@" 2>&1 |
        awk '$1 ~ /^[0-9]/ { print $1, $2 }'
}
is 'tuna -q acpi' "$(tuna -q acpi --show_irqs)" '9 acpi'
is 'tuna -q i801_smbus' "$(tuna -q i801_smbus --show_irqs)" ''
is 'tuna --show_irqs' "$(tuna --show_irqs)" $'9 acpi\n16 vfio-intx(0000:00:1f.3)'
