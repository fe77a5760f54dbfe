#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the Ansible role over hosts that have a network namespace and an sshd each:
#   ansible_test.sh IRQTUNE [IRQTUNE.deb]
# Needs root, ansible, sshd and overlayfs. `needs` has interrupts to move, `placed` has none, `broken` has
# nothing that irqtune could read, nobody answers for `gone`. Each is this machine's root file system with a
# layer of its own, and a captured host as the tree that irqtune looks at; systemctl is a double.
# `needs` installs the package (without one: one that is made here of IRQTUNE and the units), the others the
# program alone.
set -u
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
if [ $# -lt 1 ] || [ ! -x "$1" ]; then
  sed -n '3,10s/^# \?//p' "$0" >&2
  exit 2
fi
program=$(readlink -f "$1") deb=${2:+$(readlink -f "$2")}
# All that is started here ends with this.
if [ -z "${IRQTUNE_ANSIBLE_INSIDE:-}" ]; then
  export IRQTUNE_ANSIBLE_INSIDE=1
  exec unshare --mount --net --pid --fork --kill-child --mount-proc "$0" "$program" ${deb:+"$deb"}
fi

passed=0 failed=0
work=$(mktemp -d)
mkdir "$work/layers"
mount -t tmpfs layers "$work/layers"
pids=()
cleanup() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
  wait 2>/dev/null
  umount -l "$work/layers"
  rm -rf "$work"
}
trap cleanup EXIT

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
  if "$@" >/dev/null 2>&1; then same "$what" yes yes; else same "$what" yes no; fi
}

make_package() {
  mkdir -p "$work/package/DEBIAN" "$work/package/usr/bin" "$work/package/lib/systemd/system"
  cp "$work/irqtune" "$work/package/usr/bin/irqtune"
  cp "$repository"/scripts/systemd/* "$work/package/lib/systemd/system"
  printf 'Package: irqtune\nVersion: 0\nArchitecture: %s\nMaintainer: nobody <nobody@localhost>\nDescription: test\n' \
    "$(dpkg --print-architecture)" >"$work/package/DEBIAN/control"
  dpkg-deb -Znone --root-owner-group --build "$work/package" "$work/irqtune.deb" >/dev/null
  deb=$work/irqtune.deb
}

host_root() { echo "$work/layers/$1/root"; }
tree() { echo "$work/layers/$1/root/srv/tree"; }

make_host() { # NAME NUMBER
  local name=$1 dir=$work/layers/$1
  mkdir -p "$dir/upper/srv/tree" "$dir/upper/run/sshd" "$dir/upper/usr/bin" "$dir/upper/etc" "$dir/work" "$dir/root"
  cp "$here/systemctl" "$dir/upper/usr/bin/systemctl"
  chmod 755 "$dir/upper/usr/bin/systemctl"
  echo "$name" >"$dir/upper/etc/hostname"
  [ "$name" = broken ] || tar -C "$dir/upper/srv/tree" -xzf "$repository/tests/hosts/two-vms.tar.gz" --no-same-owner
  mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
  mount --bind /dev "$dir/root/dev"
  mount -t tmpfs run "$dir/root/run"
  mkdir "$dir/root/run/sshd"
  cat >"$work/sshd-$name" <<CONFIG
Port 22
HostKey $work/host-key
AuthorizedKeysFile $work/key.pub
StrictModes no
PermitRootLogin prohibit-password
UsePAM no
PidFile none
Subsystem sftp internal-sftp
MaxStartups 100
CONFIG
  ip netns add "$name"
  ip link add "v$2" type veth peer name eth0 netns "$name"
  ip link set "v$2" master bridge up
  ip -n "$name" address add "10.77.0.1$2/24" dev eth0
  ip -n "$name" link set eth0 up
  # A process id namespace of its own, so that /proc of a host is its own.
  ip netns exec "$name" unshare --mount --uts --pid --fork --kill-child sh -c "
    hostname $name && mount -t proc proc $dir/root/proc && mount -o bind,ro $dir/root/proc/irq $dir/root/proc/irq &&
    exec chroot $dir/root /usr/sbin/sshd -D -e -f $work/sshd-$name" >"$work/sshd-$name.log" 2>&1 &
  pids+=($!)
}

make_fleet() {
  mount -t tmpfs netns /run/netns 2>/dev/null || { mkdir -p /run/netns && mount -t tmpfs netns /run/netns; }
  ip link set lo up
  ip link add bridge type bridge
  ip address add 10.77.0.1/24 dev bridge
  ip link set bridge up
  ssh-keygen -q -t ed25519 -N '' -f "$work/key"
  ssh-keygen -q -t ed25519 -N '' -f "$work/host-key"
  make_host needs 1
  make_host placed 2
  make_host broken 3
  # By the path that the role will name: a journal of another root says nothing of this one.
  unshare --mount sh -c "mount -t proc proc '$(host_root placed)/proc' &&
    mount -t tmpfs -o ro nothing '$(host_root placed)/proc/irq' &&
    chroot '$(host_root placed)' '$program' --root /srv/tree -q apply"
  # A VM may have any name.
  sed -i 's/vm3/<b>\&vm3/g' "$(tree needs)"/proc/*/cmdline 2>/dev/null
  cat >"$work/inventory" <<INVENTORY
[kvm]
needs ansible_host=10.77.0.11 irqtune_install=package irqtune_mode=timer
placed ansible_host=10.77.0.12 irqtune_install=static irqtune_mode=timer
broken ansible_host=10.77.0.13 irqtune_install=static irqtune_mode=timer
gone ansible_host=10.77.0.19 irqtune_install=static
[kvm:vars]
ansible_user=root
ansible_python_interpreter=/usr/bin/python3
ansible_ssh_private_key_file=$work/key
ansible_ssh_common_args='-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=5'
irqtune_root=/srv/tree
irqtune_package_file=$deb
irqtune_static_file=$work/irqtune
irqtune_config={"policy": {"max-vectors-per-cpu": 100, "vm-policy": ["none-such*=leave"]}, "": {"color": "never"}}
INVENTORY
}

play() { # OPTION...: the recap, without blanks, in $work/recap
  (cd "$repository/scripts/ansible" && ANSIBLE_NOCOLOR=1 ANSIBLE_HOST_KEY_CHECKING=0 ANSIBLE_HOME=$work/home \
    ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_PIPELINING=1 ANSIBLE_SSH_CONTROL_PATH_DIR="$work/cp" \
    ansible-playbook -i "$work/inventory" -e "irqtune_fleet_directory=$work/fleet" site.yml "$@") >"$work/log" 2>&1
  sed -n '/^PLAY RECAP/,$p' "$work/log" | sed 1d >"$work/recap.lines"
  echo "-- ansible-playbook site.yml $*"
  cat "$work/recap.lines"
  grep -E '^(fatal|failed): ' "$work/log" | grep -v UNREACHABLE | cut -c1-400
  tr -s ' ' <"$work/recap.lines" >"$work/recap"
}

recap() { # HOST KEY
  sed -n "s/^$1 : .*\\b$2=\\([0-9]*\\).*/\\1/p" "$work/recap"
}

same_recap() { # HOST WHAT KEY=VALUE...
  local host=$1 what=$2 pair
  shift 2
  for pair; do
    same "$what: $host ${pair%=*}" "${pair#*=}" "$(recap "$host" "${pair%=*}")"
  done
}

masks() { (cd "$(tree "$1")/proc/irq" && cat -- */smp_affinity_list | md5sum); }
enabled() { (cd "$(host_root "$1")/run/units" && echo *.enabled *.active); }
layer() { (cd "$work/layers/$1/upper" && find . \( -path ./tmp -o -path ./root -o -path ./var/log \) -prune -o -type f -print | sort | md5sum); }

strip -o "$work/irqtune" "$program"
[ -n "$deb" ] || make_package
make_fleet
sleep 1
if command -v ansible-lint >/dev/null; then
  holds 'ansible-lint finds nothing' sh -c "cd '$repository/scripts/ansible' && ansible-lint -q"
fi
before=$(masks needs)
placed=$(masks placed)
layers=$(layer needs)

play --check
same_recap needs 'check mode' failed=0 unreachable=0
holds 'check mode: needs would change' test "$(recap needs changed)" -gt 0
same 'check mode writes no mask' "$before" "$(masks needs)"
same 'check mode writes no file' "$layers" "$(layer needs)"

play
same_recap needs first failed=0 unreachable=0
same_recap placed first failed=0 unreachable=0
same_recap broken first failed=1 unreachable=0
same_recap gone first unreachable=1
same_recap localhost first failed=0
holds 'first: needs is placed' test "$before" != "$(masks needs)"
same 'first: placed is left' "$placed" "$(masks placed)"
same 'timer only' 'irqtune-repair.timer.enabled irqtune-repair.timer.active' "$(enabled needs)"
same 'timer only, of the static program' 'irqtune-repair.timer.enabled irqtune-repair.timer.active' "$(enabled placed)"
same 'first: the configuration' 'max-vectors-per-cpu = 100' \
  "$(grep max-vectors "$(host_root needs)/etc/irqtune/irqtune.toml")"

play
same_recap needs second changed=0 failed=0
same_recap placed second changed=0 failed=0

# Someone moves an interrupt: told in check mode, and put right.
# It is one of vm1's, and cpu3 is a vCPU's.
irq=74
good=$(masks needs)
echo 3 >"$(tree needs)/proc/irq/$irq/smp_affinity_list"
drifted=$(masks needs)
play --check --limit kvm
same_recap needs 'drift, check mode' changed=1 failed=0
same_recap placed 'nothing to do, check mode' changed=0 failed=0
same 'check mode does not repair' "$drifted" "$(masks needs)"
play
same_recap needs repair changed=1 failed=0
same 'repaired' "$good" "$(masks needs)"

# Rates are others every day: what is in place stays, though a plan made now would move it.
sed -i 's/^\( *74:\( *[0-9][0-9]*\)\{5\} *\)\([0-9]\)/\199\3/' "$(tree needs)/sample2/proc/interrupts"
play --limit needs
same_recap needs 'other rates' changed=0 failed=0
same 'other rates: what is in place stays' "$good" "$(masks needs)"

# Check mode plans by the configuration that would be there, and tells of the unit that would be stopped.
play --check -e '{"irqtune_mode": "none", "irqtune_config": {"policy": {"avoid": "0,1,6-8"}}}' --limit needs
same_recap needs 'another configuration and mode, check mode' changed=3 failed=0
same 'check mode does not apply it' "$good" "$(masks needs)"
same 'check mode stops nothing' 'irqtune-repair.timer.enabled irqtune-repair.timer.active' "$(enabled needs)"

# A wrong configuration is refused before it is in place.
config=$(md5sum <"$(host_root needs)/etc/irqtune/irqtune.toml")
play -e '{"irqtune_config": {"policy": {"no-such-option": 1}}}' --limit needs
same_recap needs 'wrong configuration' failed=1
same 'a wrong configuration is not written' "$config" "$(md5sum <"$(host_root needs)/etc/irqtune/irqtune.toml")"

# The other mode takes the first one's place.
play -e irqtune_mode=watch
same_recap needs 'mode' changed=2 failed=0
same 'mode watch alone' 'irqtune.service.enabled irqtune.service.active' "$(enabled needs)"
same 'mode watch alone, of the static program' 'irqtune.service.enabled irqtune.service.active' "$(enabled placed)"

csv=$work/fleet/fleet.csv
same 'the table: worst first' 'host gone broken needs placed' "$(cut -d, -f1 "$csv" | tr -d '"' | paste -sd' ')"
holds 'the page: each host' test "$(grep -c '^<tr><td>' "$work/fleet/fleet.html")" = 4
holds 'the page: gone' grep -q 'gone.*no answer' "$work/fleet/fleet.html"
holds 'the page: broken' grep -q 'broken.*no host' "$work/fleet/fleet.html"
holds 'the page: values are escaped' test -z "$(grep '<b>&vm3' "$work/fleet/fleet.html")"
[ -z "${IRQTUNE_ANSIBLE_KEEP:-}" ] || cp "$csv" "$work/fleet/fleet.html" "$IRQTUNE_ANSIBLE_KEEP"

printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
