# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# Sourced by init, whose modules are loaded and whose share is mounted: goes on as a Debian on a disk of its
# own, with systemd as PID 1. The scenario is a unit there; after a reboot it is started again.

modprobe ext4
for _ in 1 2 3 4 5 6 7 8 9 10; do
  disk=$(grep -l '^debian$' /sys/block/*/serial | cut -d/ -f4)
  [ -z "$disk" ] || break
  sleep 1
done
mkdir -p /mnt
mount -t ext4 "/dev/$disk" /mnt || poweroff -f
mkdir -p /mnt/out /mnt/lib/modules /mnt/lab
cp -r /lib/modules/* /mnt/lib/modules/
cp -r /lab/* /mnt/lab/
echo lab >/mnt/etc/hostname
cat >/mnt/etc/systemd/system/lab.service <<'U'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh /lab/systemd-run
TimeoutStartSec=infinity
KillMode=process
StandardOutput=append:/out/script.log
StandardError=append:/out/script.log
U
cat >/mnt/lab/systemd-run <<'U'
. /lab/run/env
cd /out/files
( . /lab/lib.sh; . /lab/run/script )
rc=$?
[ ! -e /lab/again ] || { rm /lab/again; exec systemctl reboot; }
journalctl --no-pager >/out/journal 2>&1
dmesg >/out/dmesg
echo $rc >/out/rc
sync
exec systemctl --force --force poweroff
U
ln -sf ../lab.service /mnt/etc/systemd/system/multi-user.target.wants/lab.service
# Without udev the terminal's device never comes, and its getty would hold everything up.
ln -sf /dev/null /mnt/etc/systemd/system/serial-getty@.service
mount --move /out /mnt/out
mount --move /dev /mnt/dev
umount /sys/fs/cgroup /run /tmp /sys
umount -l /proc
exec switch_root /mnt /lib/systemd/systemd
