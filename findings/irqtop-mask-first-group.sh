#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# irqtop 2.6 (Debian's, of ipt-netflow): the affinity it shows is that of the first 32 bits that are printed.
# Expected: "shows irq affinity ('.' for disabled cpus)", and a dot is a "rate forbidden by smp_affinity mask"; the kernel writes the
# mask in groups of 32 CPUs with commas, so 00000000,00000002 is CPU 1, and its cell is a rate, 0, while the others are dots.
# Seen: on a host of more than 32 CPUs all CPUs have dots for that line, the allowed CPU too; and of 00000001,00000000, CPU 32, CPU 0
# looks allowed.
# Source: read_affinity(), String#to_i(16), which stops at the comma. The files are made, and mounted in a private mount namespace (root).

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        irqtop=2.6-4+deb12u1 ruby3.1=3.1.7+really3.1.2-0+deb12u1 libruby3.1=3.1.7+really3.1.2-0+deb12u1 ruby-curses=1.4.4-1+b2 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
export RUBYLIB="$t/usr/lib/ruby/3.1.0:$t/usr/lib/x86_64-linux-gnu/ruby/3.1.0:$t/usr/lib/x86_64-linux-gnu/ruby/vendor_ruby/3.1.0"
mkdir -p "$t/irq/0" "$t/irq/100"
echo 7 > "$t/irq/0/smp_affinity"
cat > "$t/interrupts" <<'I'
            CPU0       CPU1       CPU2
   0:          5          0          0  IR-IO-APIC    2-edge      timer
 100:          0          0          0  IR-PCI-MSIX-0000:3b:00.0    0-edge      eth0-TxRx-0
I
row() { # MASK: the cells of CPUs 0, 1 and 2 of line 100 with that mask
    echo "$1" > "$t/irq/100/smp_affinity"
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount --bind "$1/interrupts" /proc/interrupts && mount --bind "$1/irq" /proc/irq && shift && exec "$@"' - "$t" \
        "$t/usr/bin/ruby3.1" "$t/usr/bin/irqtop" -i -b -C 1 1 2>"$t/err" | awk '$2 == "100:" { print $3, $4, $5; exit }'
}
is 'mask 2' "$(row 2)" '. 0 .'
is 'mask 00000000,00000002' "$(row 00000000,00000002)" '. . .'
is 'mask 00000001,00000000' "$(row 00000001,00000000)" '0 . .'
