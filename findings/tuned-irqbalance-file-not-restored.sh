#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tuned 2.20.0: unloading a profile with [irqbalance] banned_cpus takes the administrator's own ban away.
# Expected: "tuned-adm off" rolls back: /etc/default/irqbalance is as it was, with IRQBALANCE_BANNED_CPUS=1 that somebody wrote there,
# as the other plugins put the values back that they found.
# Seen: the line is deleted on loading, without a copy, and on unloading only tuned's own is deleted: CPU 0 gets interrupts again after a
# profile was tried. And where the file does not end with a newline, tuned's line is glued to its last one: the ban is not in
# force, that setting is spoilt (--hintpolicy=exactIRQBALANCE_BANNED_CPUS=..), and unloading leaves it so.
# Source: plugins/plugin_irqbalance.py. The plugin works on a file in the temporary folder; no daemon is restarted. Needs CPU 1.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        tuned=2.20.0-1 python3-linux-procfs=0.6.3-1.1+b2 linux-perf=6.1.192-3 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
file() { # TEXT: what is left of it with the profile loaded and after it was unloaded
    printf '%s' "$1" > "$t/default"
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$t/usr/lib/python3/dist-packages" /usr/bin/python3 - "$t/default" <<'P'
import sys
import perf
from tuned import consts
from tuned.plugins.plugin_irqbalance import IrqbalancePlugin
from tuned.utils.commands import commands
consts.IRQBALANCE_SYSCONFIG_FILE = sys.argv[1]
plugin = IrqbalancePlugin.__new__(IrqbalancePlugin)
plugin._cpus, plugin._cmd, plugin._restart_irqbalance = perf.cpu_map(), commands(), lambda: None
for loading in True, False:
    plugin._banned_cpus(loading, "1", False, False)
    with open(sys.argv[1]) as f:
        print("|".join(f.read().split("\n")))
P
}
is 'without a ban' "$(file $'IRQBALANCE_ARGS=-j\n')" $'IRQBALANCE_ARGS=-j|IRQBALANCE_BANNED_CPUS=00000002|\nIRQBALANCE_ARGS=-j|'
is 'with one' "$(file $'IRQBALANCE_BANNED_CPUS=1\nIRQBALANCE_ARGS=-j\n')" $'IRQBALANCE_ARGS=-j|IRQBALANCE_BANNED_CPUS=00000002|\nIRQBALANCE_ARGS=-j|'
is 'without a newline' "$(file 'IRQBALANCE_ARGS=--hintpolicy=exact')" \
    $'IRQBALANCE_ARGS=--hintpolicy=exactIRQBALANCE_BANNED_CPUS=00000002|\nIRQBALANCE_ARGS=--hintpolicy=exactIRQBALANCE_BANNED_CPUS=00000002|'
