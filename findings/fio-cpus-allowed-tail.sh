#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fio 3.33: behind the number of a CPU list's element anything may stand.
# Expected: cpus_allowed=0:1, "0 1", 1x and the kernel's stride form 0-1:1/2 are refused; a CPU beyond the last is, with
# "CPU 99 too large", so the list is looked at.
# Seen: all run with status 0 on the first number: 0:1 and "0 1" are CPU 0 alone, 1x is CPU 1. A benchmark meant for two CPUs
# measures one. Needs CPUs 0 and 1.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/partial"
for _ in 1 2 3 4 5; do # another installation may be under way
    apt-get install -qq -y --no-install-recommends --reinstall --allow-downgrades --download-only \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$t" \
        fio=3.33-3 >/dev/null && break
    sleep 15
done
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done
export LC_ALL=C LD_LIBRARY_PATH="$t/usr/lib/x86_64-linux-gnu:$t/lib/x86_64-linux-gnu"
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
export LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$t/usr/lib/x86_64-linux-gnu/ceph"
run() {
    (cd "$t" && rm -f a.prerun.txt && bin=$t/usr/bin/fio &&
        "$bin" --name=a --ioengine=null --size=4k --cpus_allowed="$1" --minimal \
            --exec_prerun='grep Cpus_allowed_list /proc/self/status' > out 2>&1
        echo "status $? $(cut -f2 a.prerun.txt 2>/dev/null)")
}
is 'cpus_allowed=0-1' "$(run 0-1)" 'status 0 0-1'
is 'cpus_allowed=9999' "$(run 9999)" 'status 1 '
is 'cpus_allowed=0:1' "$(run 0:1)" 'status 0 0'
is 'cpus_allowed=0 1' "$(run '0 1')" 'status 0 0'
is 'cpus_allowed=1x' "$(run 1x)" 'status 0 1'
