#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes packages of this tree, and looks them over: scripts/package.sh [deb] [rpm]
#   deb  build/package/irqtune_VERSION_ARCH.deb, by lintian (the default)
#   rpm  build/package/irqtune-VERSION-1.ARCH.rpm of the static program build/static/irqtune (made by the preset
#        `static` unless it is there), by rpmlint; what it holds and needs is looked at
set -eu
cd "$(dirname "$0")/.."
build=build/package
version=$(sed -n 's/^project(irqtune VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)

deb() {
  local deb
  scripts/packages.sh package
  cmake --preset package >/dev/null
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
}

rpm_package() {
  local program=$PWD/build/static/irqtune rpm needs when
  scripts/packages.sh rpm
  [ -x "$program" ] || {
    cmake --preset static >/dev/null
    cmake --build build/static --target irqtune
  }
  mkdir -p "$build/rpm"
  strip -o "$build/rpm/irqtune" "$program"
  rm -f "$build"/irqtune-*.rpm
  when=$(git log -1 --format=%ct)
  SOURCE_DATE_EPOCH=$when rpmbuild -bb --quiet --define "version_ $version" \
    --define "date_ $(LC_ALL=C date -u -d "@$when" '+%a %b %d %Y')" \
    --define "source_ $PWD" --define "program_ $PWD/$build/rpm/irqtune" --define "_topdir $PWD/$build/rpm" \
    --define "_rpmdir $PWD/$build" --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
    scripts/rpm/irqtune.spec
  rpm=$(ls "$build"/irqtune-*.rpm)
  # Beside what rpm itself asks for: the shell of the scripts.
  needs=$(rpm -qp --requires "$rpm" 2>/dev/null | grep -v '^rpmlib(' | sort -u)
  [ "$needs" = /bin/sh ] || {
    echo "package.sh: the .rpm needs more than a shell: $needs" >&2
    exit 1
  }
  rpmlint --config scripts/rpm/rpmlint.toml "$rpm"
  rpm -qp --list "$rpm"
  printf '%s: %s bytes\n' "$rpm" "$(stat -c %s "$rpm")"
}

[ $# -gt 0 ] || set -- deb
for kind; do
  case $kind in
    deb) deb ;;
    rpm) rpm_package ;;
    *)
      sed -n '3,6s/^# \?//p' "$0" >&2
      exit 2
      ;;
  esac
done
