#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boots L1, an emulated KVM host of several sockets (QEMU TCG), runs SCRIPT in it, and exits with its
# status; or with 124 if the emulator died or L1 never came to the script, 125 if that did not end.
#   boot.sh [OPTIONS] SCRIPT
#     --kernel 6.1|6.12      default 6.1
#     --qemu 7|10            default 7 (Debian 12's); 10 adds igb, a NIC with SR-IOV
#     --topo SxCxT           sockets x cores x threads, default 2x4x2; one NUMA node a socket
#     --append "..."         more kernel command line (irqaffinity=, isolcpus=, intremap=off ...)
#     --mem MB               default 2048; with more the kernel's timer gets no interrupt
#     --bin PATH[:DST]       put a program and the libraries it is linked with into L1
#     --with irqbalance|nested|libvirt|archives|clock|systemd   put that into L1; nested: QEMU and a
#                            kernel for a guest; archives: libarchive, which irqtune loads for a
#                            snapshot's file; clock: how long each of its CPUs ran on this machine (`ran`
#                            of lib.sh); systemd: the script runs in a Debian with systemd as PID 1,
#                            which may reboot, with the package $IRQTUNE_DEB as /lab/irqtune.deb
#     --env K=V              environment of the script
#     --out DIR              output folder, default a new one under $LAB_TMP/out
#     --timeout S            from the start of QEMU, default 300
#     --qemu-arg ARG         one more argument of QEMU
# Output folder: script.log, rc, files/ (the script's working folder, a live share), dmesg, console.log.
{ # Read as one, so that an edit cannot disturb a run.
set -u
# shellcheck source=tests/lab/env.sh
. "$(dirname "$0")/env.sh"

kernel=6.1 qemu=7 topo=2x4x2 append='' mem=2048 out='' timeout=300
parts=() bins=() envs=() extra=()
while [ $# -gt 0 ]; do
  case $1 in
    --kernel) kernel=$2 ;;
    --qemu) qemu=$2 ;;
    --topo) topo=$2 ;;
    --append) append=$2 ;;
    --mem) mem=$2 ;;
    --with) parts+=("$2") ;;
    --bin) bins+=("$2") ;;
    --env) envs+=("$2") ;;
    --out) out=$2 ;;
    --timeout) timeout=$2 ;;
    --qemu-arg) extra+=("$2") ;;
    -h | --help)
      sed -n '3,22s/^# \?//p' "$0"
      exit 0
      ;;
    -*)
      echo "boot.sh: unknown option $1" >&2
      exit 2
      ;;
    *) break ;;
  esac
  shift 2
done
script=${1:?boot.sh: no script}
[ -r "$script" ] || {
  echo "boot.sh: no such script: $script" >&2
  exit 2
}
timeout=$((timeout * ${IRQTUNE_LAB_PATIENCE:-1}))
# Of these, for the way to the script: it takes 15 to 60 s. Once in a while L1 stops on it, a driver
# waiting for an interrupt that the emulated machine lost.
boot_timeout=$((120 * ${IRQTUNE_LAB_PATIENCE:-1}))
IFS=x read -r sockets cores threads <<<"$topo"

# Programs that L1 may get, with the libraries they are linked with.
add_program() { # ROOT PATH[:DST] [LIBRARIES]
  local source=${2%%:*} dst=${2#*:}
  [ "$dst" != "$2" ] || dst=/usr/bin/$(basename "$2")
  mkdir -p "$1$(dirname "$dst")"
  cp -L "$source" "$1$dst"
  chmod 755 "$1$dst"
  libraries_of "${3-}" "$source" | copy_libraries "$1"
}

add_irqbalance() { # ROOT
  local dir=$LAB_TMP/irqbalance
  add_program "$1" "$dir/usr/sbin/irqbalance:/usr/sbin/irqbalance" "$dir/usr/lib/x86_64-linux-gnu"
}

# Big with the libraries it is linked with, and so only where it is used.
add_archives() { # ROOT
  local library
  library=$(libarchive) || return 1
  { echo "$library" && libraries_of '' "$library"; } | copy_libraries "$1"
}

# What a nested guest is started from: QEMU, its firmware, a kernel and an initramfs.
add_nested() { # ROOT
  local share=$1/usr/share lib=usr/lib/x86_64-linux-gnu/qemu file
  add_program "$1" /usr/bin/qemu-system-x86_64
  mkdir -p "$share/qemu" "$1/l2" "$1/$lib"
  for file in pvh.bin linuxboot_dma.bin linuxboot.bin kvmvapic.bin; do
    cp -L "/usr/share/qemu/$file" "$share/qemu/"
  done
  cp /usr/share/seabios/bios-256k.bin "$share/qemu/"
  # libvirt asks QEMU what it can do with TCG, too.
  cp "/$lib/accel-tcg-x86_64.so" "$1/$lib/" 2>/dev/null
  cp "$LAB_TMP/build/l2.cpio" "$1/l2/initrd"
  cp "$LAB_TMP/build/l2.kernel" "$1/l2/vmlinuz"
}

# The initramfs: the base for this kernel, and behind it what this run brings.
make_initrd() { # FILE
  local root=$work/root item
  mkdir -p "$root/lab/run"
  cp "$script" "$root/lab/run/script"
  for item in "${envs[@]}"; do
    printf 'export %s=%q\n' "${item%%=*}" "${item#*=}"
  done >"$root/lab/run/env"
  for item in "${parts[@]}"; do
    case $item in
      irqbalance) add_irqbalance "$root" ;;
      nested) add_nested "$root" ;;
      archives) add_archives "$root" ;;
      clock) ;; # A share: add_plain_devices.
      systemd) cp "$IRQTUNE_DEB" "$root/lab/irqtune.deb" && : >"$root/lab/run/systemd" ;;
      libvirt) cp -a "$LAB_TMP/libvirt/stage/." "$root/" ;;
    esac || return 1
  done
  for item in "${bins[@]}"; do
    add_program "$root" "$item" || return 1
  done
  pack_cpio "$root" | cat "$LAB_TMP/build/base-$kernel.cpio" - >"$1"
  rm -rf "$root"
}

args=()
disk() { # NAME: a sparse file that goes with the run
  truncate -s 64M "$work/$1.img"
  args+=(-drive "file=$work/$1.img,if=none,id=$1,format=raw,cache=unsafe")
}

device() { args+=(-device "$1"); }

nic() { # ID MODEL,...
  args+=(-netdev "user,id=$1" -device "$2,netdev=$1,romfile=")
}

# One PCIe root a socket, with numa_node set: host devices, guest devices, SR-IOV.
add_node() { # NODE
  local s=$1 port
  device "pxb-pcie,id=pxb$s,bus=pcie.0,bus_nr=$((32 * (s + 1))),numa_node=$s,addr=$(printf '0x%x' $((16 + s)))"
  for port in 0 1 2 3 4 5 6 7; do
    device "pcie-root-port,id=rp$s$port,bus=pxb$s,chassis=$((s + 1)),slot=$port,addr=0x$port"
  done
  disk "nvh$s"
  device "nvme,serial=host$s,drive=nvh$s,bus=rp${s}0,max_ioqpairs=16,msix_qsize=17"
  disk "nvg$s"
  device "nvme,serial=guest$s,drive=nvg$s,bus=rp${s}1,max_ioqpairs=8,msix_qsize=9"
  nic "h$s" "e1000e,bus=rp${s}2"
  nic "g$s" "e1000e,bus=rp${s}3"
  nic "x$s" "vmxnet3,bus=rp${s}4"
  disk "vb$s"
  device "virtio-blk-pci,drive=vb$s,bus=rp${s}5,num-queues=4,vectors=5"
  if [ "$qemu" = 10 ]; then
    nic "i$s" "igb,bus=rp${s}6"
  else
    nic "v$s" "virtio-net-pci,bus=rp${s}6"
  fi
  disk "nvs$s"
  device "nvme-subsys,id=sub$s,nqn=sub$s"
  device "nvme,serial=sriov$s,id=nvs$s,subsys=sub$s,bus=rp${s}7,max_ioqpairs=26,msix_qsize=27,sriov_max_vfs=4,sriov_vq_flexible=8,sriov_vi_flexible=8,sriov_max_vq_per_vf=2,sriov_max_vi_per_vf=2"
  device "nvme-ns,drive=nvs$s,bus=nvs$s,nsid=1"
}

has() { [[ " ${parts[*]} " == *" $1 "* ]]; } # PART

# pcie.0 has no NUMA node: the share, two NICs whose INTx share one pin of the IO-APIC, edu, USB.
add_plain_devices() {
  device virtio-9p-pci,fsdev=out,mount_tag=out,addr=0x2
  args+=(-fsdev "local,id=out,path=$out,security_model=none")
  # QEMU's own threads as /proc shows them: where it opens the folder, self is QEMU.
  ! has clock || {
    device virtio-9p-pci,fsdev=clock,mount_tag=clock,addr=0x5
    args+=(-fsdev "local,id=clock,path=/proc/self/task,security_model=none,readonly=on")
  }
  ! has systemd || {
    device virtio-blk-pci,drive=debian,serial=debian,addr=0x6
    args+=(-drive "file=$LAB_TMP/systemd/root.img,if=none,id=debian,format=raw,cache=unsafe,snapshot=on")
  }
  nic r0 rtl8139,addr=0x3
  nic r1 rtl8139,addr=0x7
  device edu,addr=0x4
  device edu,addr=0x8
  device ich9-usb-ehci1,id=ehci,addr=0x1d.7,multifunction=on
  device ich9-usb-uhci1,masterbus=ehci.0,firstport=0,addr=0x1d.0,multifunction=on
  device ich9-usb-uhci2,masterbus=ehci.0,firstport=2,addr=0x1d.1
}

# shellcheck disable=SC2054 # The commas are QEMU's.
add_machine() {
  local per=$((cores * threads)) s t distance
  # topoext: an AMD model has no SMT without it. The rest is what TCG lacks.
  args+=(-name "lab-$$,debug-threads=on" -nodefaults -no-user-config -display none -monitor none
    -m "$mem" -accel tcg,thread=multi,tb-size=512 -machine q35,kernel-irqchip=split
    -cpu EPYC,+svm,+npt,+topoext,-sha-ni,-osvw,-perfctr-core,-fxsr-opt,-misalignsse,-xsavec,-rdseed,-nrip-save,x-force-features=on,check=off
    -smp "$((sockets * per)),sockets=$sockets,cores=$cores,threads=$threads"
    -device intel-iommu,intremap=on,caching-mode=off
    -serial "file:$out/console.log" -kernel "$vmlinux" -initrd "$work/initrd")
  has systemd || args+=(-no-reboot)
  for ((s = 0; s < sockets; s++)); do
    args+=(-object "memory-backend-ram,id=mem$s,size=$((mem / sockets))M"
      -numa "node,nodeid=$s,cpus=$((s * per))-$((s * per + per - 1)),memdev=mem$s")
  done
  for ((s = 0; s < sockets; s++)); do
    for ((t = 0; t < sockets; t++)); do
      distance=21
      [ "$s" != "$t" ] || distance=10
      args+=(-numa "dist,src=$s,dst=$t,val=$distance")
    done
  done
  args+=(-append "console=ttyS0 quiet loglevel=4 panic=-1 nokaslr mitigations=off audit=0 tsc=reliable no_timer_check random.trust_cpu=on iommu=pt intel_iommu=on $(tsc_option)$append")
}

# Emulated, the counter is this machine's. On a busy machine L1 measures it wrongly, and its seconds
# then last a fraction of one: no wait of a scenario would be long enough.
tsc_option() {
  local khz program=$LAB_TMP/build/tsc
  [ "$program" -nt "$LAB/tsc.c" ] || gcc -O2 -o "$program" "$LAB/tsc.c"
  khz=$("$program")
  [ -z "$khz" ] || echo "tsc_early_khz=$khz "
}

# True once the script runs, or QEMU ended before.
wait_for_script() {
  local second
  for ((second = 0; second < boot_timeout; second++)); do
    [ ! -e "$out/script.log" ] && kill -0 "$qpid" 2>/dev/null || return 0
    sleep 1
  done
  return 1
}

# A CPU of the guest waits for ever, as for an interrupt between CPUs that the emulation lost. Not if
# that is irqtune: a lockup of its making must not pass for the emulation's.
locked_up() {
  grep -q 'soft lockup - CPU#[0-9]* stuck for [1-9][0-9][0-9]' "$out/console.log" 2>/dev/null &&
    ! grep -q 'soft lockup - .*\[irqtune' "$out/console.log"
}

# QEMU's end; one that is locked up is ended.
wait_for_end() {
  while kill -0 "$qpid" 2>/dev/null; do
    if locked_up; then
      kill "$qpid" 2>/dev/null
      break
    fi
    sleep 1
  done
  wait "$qpid"
}

# Did the emulation fail, rather than the script? QEMU dies by a signal, or the kernel panics of text
# that is being patched while the CPUs come up, or CPUs lock up.
emulator_failed() { # STATUS
  [ "$1" = 139 ] || [ "$1" = 134 ] || grep -q 'Kernel panic' "$out/console.log" 2>/dev/null || locked_up
}

wanted=("$kernel" "${parts[@]}")
[ "$qemu" != 10 ] || wanted+=(qemu10)
"$LAB/setup.sh" "${wanted[@]}" || exit "$LAB_SKIPPED"
"$LAB/initramfs.sh" "$kernel" || exit 2
vmlinux=$(vmlinux_of "$kernel") || exit 2
case $qemu in
  10)
    program=("$LAB_TMP/qemu10/usr/bin/qemu-system-x86_64" -L "$LAB_TMP/qemu10/usr/share/qemu"
      -L "$LAB_TMP/qemu10/usr/share/seabios")
    ;;
  *) program=(qemu-system-x86_64) ;;
esac
[ -n "$out" ] || out=$(mktemp -d "$LAB_TMP/out/$(basename "$script" .sh).XXXX")
rm -rf "${out:?}"/{rc,files,console.log,done-uptime,script.log}
mkdir -p "$out/files"
out=$(cd "$out" && pwd)
work=$(mktemp -d "$LAB_TMP/build/runXXXXXX")
qpid=
trap '[ -z "$qpid" ] || kill "$qpid" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

make_initrd "$work/initrd" || exit 2
add_machine
add_plain_devices
for ((node = 0; node < sockets; node++)); do
  add_node "$node"
done
timeout -k 5 "$timeout" "${program[@]}" "${args[@]}" "${extra[@]}" </dev/null 2>"$out/qemu.err" &
qpid=$!
wait_for_script || {
  echo "boot.sh: the host did not come up in $boot_timeout s; see $out/console.log" >&2
  exit "$LAB_CRASHED"
}
wait_for_end
status=$?
qpid=
rc=$(cat "$out/rc" 2>/dev/null)
[ -z "$rc" ] || exit "$rc"
tail -3 "$out/qemu.err" >&2
if emulator_failed "$status"; then
  echo "boot.sh: the emulator failed (QEMU's status $status); see $out/console.log" >&2
  exit "$LAB_CRASHED"
fi
why="QEMU ended with status $status before the script did"
[ "$status" != 124 ] || why="the script did not end in $timeout s"
echo "boot.sh: $why; see $out" >&2
exit "$LAB_UNFINISHED"
}
