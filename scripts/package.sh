#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes build/package/irqtune_VERSION_ARCH.deb of this tree, and looks it over with lintian.
set -eu
cd "$(dirname "$0")/.."

scripts/packages.sh package
cmake --preset package >/dev/null
build=build/package
version=$(sed -n 's/^project(irqtune VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
mkdir -p "$build/deb"
{
  printf 'irqtune (%s) unstable; urgency=medium\n\n  * See /usr/share/doc/irqtune/ and docs/CHANGELOG.md.\n\n' "$version"
  printf ' -- irqtune maintainers <irqtune@localhost>  %s\n' \
    "$(LC_ALL=C date -u -R -d "@$(git log -1 --format=%ct)")"
} | gzip -9n >"$build/deb/changelog.gz"
cmake --build "$build" --target irqtune
# Packages hold their manual pages compressed.
(cd "$build" && rm -f irqtune_*.deb && cpack -G DEB >/dev/null)
deb=$(ls "$build"/irqtune_*.deb)
scripts/deb/finish.sh "$deb"
lintian --fail-on error,warning "$deb"
dpkg-deb --info "$deb" | sed -n '/^ Package/,$p'
printf '%s: %s bytes\n' "$deb" "$(stat -c %s "$deb")"
