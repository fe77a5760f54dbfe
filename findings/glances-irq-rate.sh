#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# glances 3.3.1.1: the interrupts' "Rate/s" is no rate.
# Expected: 8000 interrupts in 4 seconds are 2000 a second, whatever the time between two refreshes.
# Seen: 8000; the number grows with the refresh time, by which glances running with -t 10 shows ten times what -t 1 does. And a
# line whose first reading was 0 shows 0 after its first interrupts, as many as they are.
# Source: glances/plugins/glances_irq.py, where the division binds to the 0 of the "else" alone. Read from a made file.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        glances=3.3.1.1+dfsg-1 python3-psutil=5.9.4-1+b1 python3-packaging=23.0-1 python3-defusedxml=0.7.1-2 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" HOME="$t"
rates() { # SECONDS: of lines 100 and 101 that rise by 8000 in that time
    /usr/bin/python3 - "$t/interrupts" "$1" <<'P'
import sys, time
from glances.plugins.glances_irq import GlancesIRQ
GlancesIRQ.IRQ_FILE = sys.argv[1]
def write(a, b):
    with open(sys.argv[1], "w") as f:
        f.write("            CPU0       CPU1       \n"
                " 100: %10d          0  IR-PCI-MSIX-0000:3b:00.0    0-edge      eth0-0\n"
                " 101: %10d          0  IR-PCI-MSIX-0000:3b:00.0    1-edge      eth0-1\n" % (a, b))
irq = GlancesIRQ()
write(1000, 0)
irq.get()
time.sleep(int(sys.argv[2]))
write(9000, 8000)
print(*(r["irq_line"] + " " + str(r["irq_rate"]) for r in irq.get()), "in", round(irq.stats[0]["time_since_update"]))
P
}
is 'the column' "$(grep -o "'Rate/s'" "$t/usr/lib/python3/dist-packages/glances/plugins/glances_irq.py")" "'Rate/s'"
is 'after 1 s' "$(rates 1)" '100_eth0-0 8000 101_eth0-1 0 in 1'
is 'after 4 s' "$(rates 4)" '100_eth0-0 8000 101_eth0-1 0 in 4'
