#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tuna 0.19 (Debian trixie): a name that selects no interrupt selects all of them in show_irqs.
# Expected: tuna show_irqs -q NAME lists the interrupts of that name; of a name nobody has, none, or an error (0.15 lists none).
# Seen: the full list, as without -q,: a script that asks whether a device has interrupts always hears yes, and what
# it takes for the device's CPUs are those of everybody. A name that is not the last on a shared line counts as unknown.
# Where known: a selection that came out empty is not told from one that was not made.
# The file is mounted over /proc/interrupts in a private mount namespace (root). Nothing is moved here.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir -p "$t/lists/partial" "$t/partial"
echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' > "$t/list"
apt=(-qq -o "Dir::Etc::sourcelist=$t/list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$t/lists" -o "Dir::Cache=$t"
    -o APT::Sandbox::User=root -o Debug::NoLocking=1)
apt-get "${apt[@]}" update >/dev/null
(cd "$t" && apt-get "${apt[@]}" download tuna=0.19-1 python3-linux-procfs=0.7.3-3 >/dev/null)
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done

cat > "$t/interrupts" <<'I'
            CPU0       CPU1       
   9:          0         50 IR-IO-APIC    9-fasteoi   acpi
  16:          0          7 IR-IO-APIC   16-fasteoi   i801_smbus, ahci
 100:          1          2 IR-PCI-MSIX-0000:3b:00.0    0-edge      nvme0q0
I
irqs() {
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount --bind "$1/interrupts" /proc/interrupts && shift && exec "$@"' - "$t" \
        env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" python3 "$t/usr/bin/tuna" show_irqs "$@" 2>&1 |
        awk '{ printf "%s ", $1 } END { print "" }'
}
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
is '-q acpi' "$(irqs -q acpi)" '9 '
is '-q acpi,ahci' "$(irqs -q acpi,ahci)" '9 16 '
is '-q nosuchdevice' "$(irqs -q nosuchdevice)" '9 16 100 '
is '-q i801_smbus' "$(irqs -q i801_smbus)" '9 16 100 '
