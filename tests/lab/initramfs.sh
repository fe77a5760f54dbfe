#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# initramfs.sh 6.1|6.12: builds what L1 starts from, $LAB_TMP/build/base-KERNEL.cpio: busybox,
# kernel modules, guest/, the double and react. Not compressed: unpacking under emulation is slow.
set -eu
# shellcheck source=tests/lab/env.sh
. "$(dirname "$0")/env.sh"

kernel=$1
dir=$LAB_TMP/kern/$kernel
release=$(ls "$dir/lib/modules")
out=$LAB_TMP/build/base-$kernel.cpio
modules=(virtio_pci virtio_blk virtio_net 9p 9pnet_virtio vfio vfio-pci vfio_iommu_type1 nvme e1000e igb
  igbvf vmxnet3 virtio_console ext4 kvm kvm-amd uhci-hcd ehci-pci 8139cp irqbypass tun vhost_net veth bridge)

stamp=$(cat "$LAB"/guest/* "$LAB"/double/*.[ch] "$LAB"/react/*.c "$LAB/env.sh" "$0" | sha256sum | cut -c1-16)-$release
if [ -e "$out" ] && [ "$(cat "$out.stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi
double=$LAB_TMP/build/double
gcc -D_GNU_SOURCE -O2 -Wall -Wextra -Wno-format-truncation -static -pthread -o "$double" "$LAB"/double/*.c
react=$LAB_TMP/build/react
gcc -D_GNU_SOURCE -O2 -Wall -Wextra -static -o "$react" "$LAB"/react/*.c

root=$(mktemp -d "$LAB_TMP/build/rootXXXXXX")
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,lib,lib64,etc,proc,sys,dev,run,tmp,var/log,out,lab/double,root}
cp /bin/busybox "$root/bin/busybox"
copy_modules "$dir" "$release" "$root" "${modules[@]}"
cp "$LAB"/guest/* "$root/lab/"
mv "$root/lab/init" "$root/init"
chmod +x "$root/init" "$root"/lab/*
cp "$react" "$root/lab/react"
# By this file name the kernel itself makes the process "qemu-system-x86".
cp "$double" "$root/lab/double/qemu-system-x86_64"
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
pack_cpio "$root" >"$out.tmp"
mv "$out.tmp" "$out"
echo "$stamp" >"$out.stamp"
