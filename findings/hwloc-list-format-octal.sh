#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# hwloc 2.12.0 (Debian trixie): hwloc-calc reads 010 in two ways, and loses a list it half understands.
# Expected: --cpuset-input-format list takes the lists that --cpuset-output-format list writes, and its numbers are those of
# pu:N on a machine whose logical and physical numbers agree; what is no list is an error.
# Seen: 010 is CPU 8 as a list (octal; 08 is nothing at all) and CPU 10 as pu:010. "5x" and "3-1" are the empty set, status 0,
# no word, while pu:3-1 of the same program is CPUs 3 to the last.
# Source: hwloc/bitmap.c, hwloc_bitmap_list_sscanf(): strtoul with base 0.

set -eu
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir -p "$t/lists/partial" "$t/partial"
echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' > "$t/list"
apt=(-qq -o "Dir::Etc::sourcelist=$t/list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$t/lists" -o "Dir::Cache=$t"
    -o APT::Sandbox::User=root -o Debug::NoLocking=1)
apt-get "${apt[@]}" update >/dev/null
(cd "$t" && apt-get "${apt[@]}" download hwloc-nox=2.12.0-4 libhwloc15=2.12.0-4 libc6/trixie libudev1/trixie libxml2/trixie \
    libtinfo6/trixie liblzma5/trixie zlib1g/trixie libcap2/trixie >/dev/null)
for d in "$t"/*.deb; do dpkg -x "$d" "$t"; done

calc() { # the PUs as a list
    "$t/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --library-path "$t/usr/lib/x86_64-linux-gnu" \
        "$t/usr/bin/hwloc-calc" -i 'pack:2 [numa] core:4 pu:2' -I pu "$@" 2>&1 </dev/null
    echo "status $?"
}
is() { # WHAT SEEN EXPECTED-TO-STAND
    printf '%s: %s\n' "$1" "$2"
    [ "$2" = "$3" ] || { printf 'changed, it was: %s\n' "$3"; exit 1; }
}
is 'list 0-1,10' "$(calc --cpuset-input-format list 0-1,10)" $'0,1,10\nstatus 0'
is 'pu:010' "$(calc pu:010)" $'10\nstatus 0'
is 'list 010' "$(calc --cpuset-input-format list 010)" $'8\nstatus 0'
is 'list 5x' "$(calc --cpuset-input-format list 5x)" $'\nstatus 0'
is 'list 3-1' "$(calc --cpuset-input-format list 3-1)" $'\nstatus 0'
