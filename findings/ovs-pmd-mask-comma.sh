#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Open vSwitch 3.1.0: a comma in pmd-cpu-mask is a digit.
# Expected: the kernel's own text of a mask over 32 CPUs, "1,00000004" as in smp_affinity, is CPUs 2 and 32, or it is refused;
# and a list, 0,2, is refused.
# Seen: "1,00000004" is cores 2 and 36, the group before the comma being four CPUs too high, and 0,2, read as a mask, is core 1,
# which the list does not name. ovs-vsctl ends with status 0; "Invalid cpu mask: ," stands in the log of the switch, which uses
# the rest all the same. Run on the switch's own dummy devices and dummy CPUs.

set -eu
t=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        openvswitch-switch=3.1.0-2+deb12u1 openvswitch-common=3.1.0-2+deb12u1 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
export OVS_RUNDIR="$t" OVS_LOGDIR="$t" OVS_DBDIR="$t" OVS_SYSCONFDIR="$t"
db=unix:$t/db.sock
numa=0
for _ in {1..39}; do numa+=,0; done # 40 cores
"$t/usr/bin/ovsdb-tool" create "$t/conf.db" "$t/usr/share/openvswitch/vswitch.ovsschema"
"$t/usr/sbin/ovsdb-server" "$t/conf.db" --remote="p$db" --unixctl="$t/s.ctl" > "$t/server" 2>&1 &
pids+=($!)
for _ in {1..50}; do [ -S "$t/db.sock" ] && break; sleep 0.2; done
"$t/usr/lib/openvswitch-switch/ovs-vswitchd" "$db" --enable-dummy --disable-system --dummy-numa="$numa" \
    --unixctl="$t/v.ctl" > "$t/switch" 2>&1 &
pids+=($!)
set_() { "$t/usr/bin/ovs-vsctl" --db="$db" --timeout=30 "$@"; }
cores() { # MASK: the cores that poll
    set_ set Open_vSwitch . other_config:pmd-cpu-mask="$1" || echo refused
    "$t/usr/bin/ovs-appctl" -t "$t/v.ctl" dpif-netdev/pmd-rxq-show | sed -n 's/.*core_id \([0-9]*\):/\1/p' | tr '\n' ' '
}
set_ add-br br0 -- set bridge br0 datapath_type=dummy fail-mode=secure -- add-port br0 p0 -- set interface p0 type=dummy-pmd
is '100000004' "$(cores 100000004)" '2 32 '
is '1,00000004' "$(cores 1,00000004)" '2 36 '
is '5' "$(cores 5)" '0 2 '
is '0,2' "$(cores 0,2)" '1 '
is 'warnings' "$(grep -c 'Invalid cpu mask: ,' "$t/switch")" 2
