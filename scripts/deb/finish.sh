#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What CPack leaves undone of a Debian package: manual pages are compressed. finish.sh FILE.deb
set -eu
deb=$(readlink -f "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb --raw-extract "$deb" "$work/root"
find "$work/root/usr/share/man" -type f ! -name '*.gz' -exec gzip -9n {} +
(cd "$work/root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\n' | LC_ALL=C sort |
  xargs md5sum >DEBIAN/md5sums)
dpkg-deb --root-owner-group --build "$work/root" "$deb" >/dev/null
