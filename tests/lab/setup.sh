#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Downloads what the lab boots, as Debian packages that are unpacked below $LAB_TMP and not installed:
#   setup.sh 6.1|6.12|newest|qemu10|irqbalance|nested|libvirt|archives|clock|systemd ...
# What is there already is kept.
set -eu
# shellcheck source=tests/lab/env.sh
. "$(dirname "$0")/env.sh"

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Lists of its own: the machine's sources stay as they are, and need not be Debian 12's.
use_lists() { # NAME "ARCHIVE SUITE"...
  apt=$LAB_TMP/$1
  options=(-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root)
  suites=("${@:2}")
}
use_lists apt "debian bookworm" "debian-security bookworm-security" "debian bookworm-backports"

refresh() {
  [ -z "$(find "$apt/fresh" -mmin -600 2>/dev/null)" ] || return 0
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  printf "deb [signed-by=$keyring] http://deb.debian.org/%s main\n" \
    "${suites[@]}" >"$apt/sources.list"
  timeout 300 apt-get "${options[@]}" -o APT::Update::Error-Mode=any update -q >&2 || return 1
  touch "$apt/fresh"
}

unpack() { # DIR PACKAGE[/RELEASE]...
  local dir=$1 work package
  shift
  refresh || return 1
  work=$(mktemp -d "$LAB_TMP/debs/XXXXXX")
  (cd "$work" && timeout 900 apt-get "${options[@]}" download -q "$@" >&2) || {
    rm -rf "$work"
    return 1
  }
  mkdir -p "$dir.tmp"
  for package in "$work"/*.deb; do
    dpkg -x "$package" "$dir.tmp"
  done
  rm -rf "$work" "$dir"
  mv "$dir.tmp" "$dir"
}

# The packages of one kernel that PACKAGE[/RELEASE] needs: newer ones keep the kernel and its modules apart.
parts_of() { # PACKAGE[/RELEASE]
  apt-cache "${options[@]}" show "$1" 2>/dev/null | awk -F ': ' '$1 == "Depends" {print $2; exit}' |
    grep -oE 'linux-(image|binary|modules|base)-[0-9][^ (,|]*'
}

kernel() { # KERNEL RELEASE
  local image dir=$LAB_TMP/kern/$1 packages release
  ! compgen -G "$dir/boot/vmlinuz-*" >/dev/null || return 0
  refresh || return 1
  image=$(parts_of "linux-image-amd64/$2" | head -1)
  [ -n "$image" ] || return 1
  mapfile -t packages < <({ echo "$image" && parts_of "$image"; } | sort -u)
  unpack "$dir" "${packages[@]}" || return 1
  [ -d "$dir/lib" ] || ln -s usr/lib "$dir/lib"
  release=$(ls "$dir/lib/modules")
  mkdir -p "$dir/boot"
  [ ! -e "$dir/lib/modules/$release/vmlinuz" ] || ln -s "$dir/lib/modules/$release/vmlinuz" "$dir/boot/vmlinuz-$release"
}

# The newest that Debian has, whatever that is today.
newest() {
  local suite
  for suite in sid trixie-backports trixie; do
    use_lists "apt-$suite" "debian $suite"
    ! kernel newest "$suite" || return 0
    echo "setup.sh: no kernel in Debian's $suite" >&2
  done
  return 1
}

qemu10() {
  local dir=$LAB_TMP/qemu10 missing
  [ -x "$dir/usr/bin/qemu-system-x86_64" ] ||
    unpack "$dir" {qemu-system-x86,qemu-system-common,qemu-system-data,seabios}/bookworm-backports
  missing=$(ldd "$dir/usr/bin/qemu-system-x86_64" | awk '/not found/ {print $1}')
  [ -z "$missing" ] || {
    echo "setup.sh: QEMU 10 lacks $missing" >&2
    return 1
  }
}

irqbalance() {
  [ -x "$LAB_TMP/irqbalance/usr/sbin/irqbalance" ] ||
    unpack "$LAB_TMP/irqbalance" irqbalance libnuma1 libcap-ng0 libglib2.0-0
}

# The kernel and initramfs of a nested guest: 6.1, which is the steadier one there under emulation.
nested() {
  local root kernel=$LAB_TMP/kern/6.1 release stamp out=$LAB_TMP/build/l2
  get 6.1
  release=$(ls "$kernel/lib/modules")
  stamp=$(cat "$LAB/guest/l2init" "$0" "$LAB/env.sh" | sha256sum | cut -c1-16)-$release
  [ "$(cat "$out.stamp" 2>/dev/null)" != "$stamp" ] || return 0
  root=$(mktemp -d "$LAB_TMP/build/rootXXXXXX")
  mkdir -p "$root"/{bin,proc,sys,dev,run,tmp}
  cp /bin/busybox "$root/bin/busybox"
  copy_modules "$kernel" "$release" "$root" e1000e nvme
  cp "$LAB/guest/l2init" "$root/init"
  chmod +x "$root/init"
  pack_cpio "$root" >"$out.cpio"
  rm -rf "$root"
  strip --strip-all -o "$out.kernel" "$(vmlinux_of 6.1)"
  echo "$stamp" >"$out.stamp"
}

# libvirt with its libraries, for the root user alone, without authentication and security driver.
libvirt() {
  local dir=$LAB_TMP/libvirt root=$LAB_TMP/libvirt-deb stage lib=usr/lib/x86_64-linux-gnu
  [ ! -e "$dir/stage/.done" ] || return 0
  [ -d "$root" ] || unpack "$root" libvirt0 libvirt-clients libvirt-daemon-driver-qemu libvirt-daemon \
    libparted2 libpcap0.8 libssh-4 libyajl2 dmidecode
  rm -rf "$dir"
  stage=$dir/stage
  mkdir -p "$stage"/{usr/sbin,usr/bin,usr/share,etc/libvirt,var/lib/libvirt,var/log/libvirt/qemu,var/cache/libvirt} \
    "$stage/$lib"
  cp "$root"/usr/sbin/{libvirtd,virtlogd,dmidecode} "$stage/usr/sbin/"
  cp "$root/usr/bin/virsh" "$stage/usr/bin/"
  cp -a "$root/$lib/." "$stage/$lib/"
  rm -f "$stage/$lib"/libvirt/connection-driver/libvirt_driver_{interface,network,nwfilter,secret,storage}.so
  cp -a "$root/usr/lib/libvirt" "$stage/usr/lib/" 2>/dev/null || true
  cp -a "$root/usr/share/libvirt" "$stage/usr/share/"
  # shellcheck disable=SC2046
  libraries_of "$root/$lib" $(find "$stage/usr" -type f \( -name '*.so*' -o -perm -100 \)) |
    grep -v "^$LAB_TMP" | copy_libraries "$stage"
  libvirt_config "$stage/etc"
  touch "$stage/.done"
}

# A Debian with systemd, jq and what the package needs, on a disk of its own.
systemd() {
  local dir=$LAB_TMP/systemd names stamp
  [ -r "${IRQTUNE_DEB-}" ] || {
    echo "setup.sh: no package: set IRQTUNE_DEB, or scripts/package.sh makes one" >&2
    return 1
  }
  names=systemd-sysv,kmod,jq,mawk,$(dpkg-deb -f "$IRQTUNE_DEB" Depends | tr ',' '\n' | sed 's/[(|].*//' |
    tr -d ' ' | paste -sd,)
  stamp=$(echo "$names" | sha256sum | cut -c1-16)
  [ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ] || return 0
  mkdir -p "$dir"
  mmdebstrap --quiet --variant=apt --include="$names" bookworm "$dir/root.tar" >&2
  rm -rf "$dir/root"
  mkdir "$dir/root"
  tar -C "$dir/root" -xf "$dir/root.tar" --exclude='./dev/*' --exclude='./var/cache/apt/*' \
    --exclude='./var/lib/apt/lists/*' --exclude='./usr/share/doc/*' --exclude='./usr/share/locale/*'
  rm -f "$dir/root.img"
  mke2fs -q -t ext4 -d "$dir/root" "$dir/root.img" 900M
  rm -rf "$dir/root" "$dir/root.tar"
  echo "$stamp" >"$dir/stamp"
}

libvirt_config() { # ETC
  printf '%s\n' 'unix_sock_group = "root"' 'auth_unix_rw = "none"' 'auth_unix_ro = "none"' 'listen_tls = 0' \
    'listen_tcp = 0' 'log_level = 3' 'log_outputs = "3:file:/out/libvirtd.log"' >"$1/libvirt/libvirtd.conf"
  printf '%s\n' 'user = "root"' 'group = "root"' 'security_driver = "none"' 'namespaces = [ ]' \
    'stdio_handler = "file"' 'dynamic_ownership = 0' 'remember_owner = 0' \
    'cgroup_controllers = [ "cpu", "cpuset" ]' >"$1/libvirt/qemu.conf"
  printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/bin/sh \
    libvirt-qemu:x:64055:108::/:/bin/sh >"$1/passwd"
  printf '%s\n' root:x:0: libvirt:x:107: libvirt-qemu:x:64055: kvm:x:108: nogroup:x:65534: >"$1/group"
}

get() { # WHAT
  case $1 in
    6.1) kernel 6.1 bookworm-security || kernel 6.1 bookworm ;;
    6.12) kernel 6.12 bookworm-backports ;;
    newest) newest ;;
    qemu10 | irqbalance | nested | libvirt | systemd) "$1" ;;
    archives) libarchive >/dev/null ;; # Comes with what irqtune is built with.
    clock) ;;
    *)
      echo "setup.sh: unknown: $1" >&2
      exit 2
      ;;
  esac
}

# One process for each: `set -e` does not hold where a status is looked at.
if [ $# = 1 ]; then
  get "$1"
else
  for wanted; do
    "$0" "$wanted" || {
      echo "setup.sh: cannot get $wanted" >&2
      exit 1
    }
  done
fi
