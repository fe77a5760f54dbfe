#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs, upgrades, removes and purges the Debian package in a Debian of its own, and looks at what
# each of them leaves: package_test.sh IRQTUNE.deb
# Needs root, mmdebstrap and Debian's archive. IRQTUNE_PACKAGE_ROOTS: where that Debian is kept, as a tar
# (default build/package).
# The chroot has no kernel of its own: irqtune is called by a wrapper that makes it look at the tree of a captured
# host, so that what is written is written there.
set -u
repository=$(cd "$(dirname "$0")/../.." && pwd)
if [ $# -ne 1 ] || [ ! -r "$1" ]; then
  sed -n '3,6s/^# \?//p' "$0" >&2
  exit 2
fi
deb=$(readlink -f "$1")
if [ -z "${IRQTUNE_PACKAGE_INSIDE:-}" ]; then
  export IRQTUNE_PACKAGE_INSIDE=1
  exec unshare --mount --pid --fork --kill-child "$0" "$deb"
fi
kept=${IRQTUNE_PACKAGE_ROOTS:-$repository/build/package}
passed=0 failed=0
work=$(mktemp -d)
root=$work/root
trap 'umount -l "$root/proc" 2>/dev/null; rm -rf "$work"' EXIT
mkdir "$root"

same() { # WHAT WANTED GOT
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
  fi
}

holds() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$what"
    sed 's/^/  /' "$work/log"
  fi
}

inside() { chroot "$root" env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }

# dpkg's and apt's own traces, and the linker's cache: what any package leaves.
files() {
  (cd "$root" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache -o \
    -path ./var/lib/apt -o -path ./proc -o -path ./srv/tree -o -path ./tmp \) -prune -o -print | LC_ALL=C sort)
}
masks() { (cd "$root/srv/tree/proc/irq" && cat -- */smp_affinity_list | md5sum); }

make_root() {
  local names base
  names=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/[(|].*//' | tr -d ' ' | paste -sd,)
  base=$kept/debian-$(md5sum <<<"$names" | cut -c1-8).tar
  [ -r "$base" ] || {
    mkdir -p "$kept"
    mmdebstrap --quiet --format=tar --variant=apt --include="$names" bookworm "$base.new" || exit 1
    mv "$base.new" "$base"
  }
  tar -C "$root" -xf "$base" --exclude='./dev/*'
  mkdir -p "$root/dev" "$root/run/systemd/system"
  # No device: a chroot on a file system that is mounted nodev has a /dev/null too.
  : >"$root/dev/null" && chmod 666 "$root/dev/null"
  # A process finds its own files there. This machine's interrupts are out of reach.
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o ro nothing "$root/proc/irq"
  mkdir -p "$root/srv/tree"
  tar -C "$root/srv/tree" -xzf "$repository/tests/hosts/libvirt-kvm.tar.gz" --no-same-owner
  # Found before the program itself, by the package's scripts too.
  printf '#!/bin/sh\nexec /usr/bin/irqtune --root /srv/tree --state-dir /var/lib/irqtune "$@"\n' \
    >"$root/usr/local/bin/irqtune"
  chmod 755 "$root/usr/local/bin/irqtune"
  # There is no systemd in a chroot: what it is asked for is noted.
  printf '#!/bin/sh\necho "$*" >>/tmp/systemctl\n' >"$root/usr/bin/systemctl"
  chmod 755 "$root/usr/bin/systemctl"
}

upgraded() { # makes FILE the same package of a later version
  dpkg-deb --raw-extract "$deb" "$work/later"
  sed -i 's/^Version: .*/&+later/' "$work/later/DEBIAN/control"
  dpkg-deb --root-owner-group --build "$work/later" "$1" >/dev/null
}

contents() {
  local file
  for file in usr/bin/irqtune usr/share/man/man8/irqtune.8.gz usr/share/man/man5/irqtune.toml.5.gz \
    usr/share/irqtune/schema/plan.schema.json usr/share/doc/irqtune/examples/irqtune.toml \
    usr/share/bash-completion/completions/irqtune usr/share/zsh/vendor-completions/_irqtune \
    usr/share/fish/vendor_completions.d/irqtune.fish usr/share/irqtune/hooks/libvirt-qemu \
    usr/share/irqtune/hooks/proxmox-hookscript usr/share/doc/irqtune/copyright; do
    holds "holds $file" test -f "$root/$file"
  done
  for file in "$repository"/scripts/systemd/*; do
    holds "holds the unit $(basename "$file")" cmp "$file" "$root/lib/systemd/system/$(basename "$file")"
  done
  for file in "$repository"/docs/schema/*; do
    holds "holds the schema $(basename "$file")" cmp "$file" "$root/usr/share/irqtune/schema/$(basename "$file")"
  done
}

make_root
upgraded "$work/later.deb"
cp "$deb" "$root/tmp/irqtune.deb"
cp "$work/later.deb" "$root/tmp/later.deb"
files >"$work/before"
masks_before=$(masks)

holds 'install' inside dpkg -i /tmp/irqtune.deb
contents
# Reading /proc needs no root; the sample configuration is one.
holds 'a user runs it' inside setpriv --reuid=65534 --regid=65534 --clear-groups irqtune -q plan
holds 'the sample is a configuration' inside irqtune --config /usr/share/doc/irqtune/examples/irqtune.toml -q plan
same 'installing moves no interrupt' "$masks_before" "$(masks)"
same 'installing starts nothing' 'daemon-reload' "$(cat "$root/tmp/systemctl")"
same 'installing enables nothing' '' "$(find "$root/etc/systemd" -newer "$work/before" -type l 2>/dev/null)"

holds 'apply' inside irqtune -q apply
masks_applied=$(masks)
holds 'apply moves interrupts' test "$masks_before" != "$masks_applied"
journal=$(inside irqtune history --json)

: >"$root/tmp/systemctl"
holds 'upgrade' inside dpkg -i /tmp/later.deb
same 'an upgrade keeps the journal' "$journal" "$(inside irqtune history --json)"
same 'an upgrade keeps the masks' "$masks_applied" "$(masks)"
same 'an upgrade starts and stops nothing' 'daemon-reload' "$(cat "$root/tmp/systemctl")"

: >"$root/tmp/systemctl"
holds 'remove' inside dpkg -r irqtune
same 'removing puts the masks back' "$masks_before" "$(masks)"
for unit in "$repository"/scripts/systemd/*; do
  holds "removing stops $(basename "$unit")" \
    grep -qx -- "--quiet disable --now $(basename "$unit")" "$root/tmp/systemctl"
done
holds 'removing keeps the journal' test -d "$root/var/lib/irqtune"
holds 'purge' inside dpkg -P irqtune
files >"$work/after"
same 'purging leaves no file and takes no other away' '' "$(diff "$work/before" "$work/after")"

# Twice more, in another order: purged while it is installed, with a configuration of the administrator's.
holds 'install again' inside dpkg -i /tmp/irqtune.deb
mkdir -p "$root/etc/irqtune"
printf '[policy]\navoid = "0"\n' >"$root/etc/irqtune/irqtune.toml"
holds 'apply again' inside irqtune -q apply
holds 'purge at once' inside dpkg -P irqtune
files >"$work/after"
same 'purging takes the configuration too' '' "$(diff "$work/before" "$work/after")"
same 'and puts the masks back' "$masks_before" "$(masks)"

printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
