# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# Where the lab's files are, for the scripts beside this one. What it downloads and builds goes to
# $LAB_TMP, never into the source tree.
LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_TMP=${IRQTUNE_LAB_DIR:-/tmp/irqtune-lab}

# Exit codes beside the script's own: what says nothing about irqtune.
LAB_SKIPPED=77     # The lab cannot be set up here.
LAB_CRASHED=124    # The emulator, or the emulated kernel before it was up, died.
LAB_UNFINISHED=125 # The script did not end, in time or at all.

# In a folder that everyone may write to, somebody else may have made it first.
# shellcheck disable=SC2174
[ -d "$LAB_TMP" ] || mkdir -p -m 700 "$LAB_TMP"
[ -O "$LAB_TMP" ] || {
  echo "lab: $LAB_TMP is not mine: set IRQTUNE_LAB_DIR" >&2
  exit 2
}
mkdir -p "$LAB_TMP"/{debs,kern,build,out}

# The .ko files that MODULE... need, of kernel release KV under DIR.
modules_of() { # DIR KV MODULE...
  local dir=$1 release=$2 module
  shift 2
  for module; do
    modprobe -d "$dir" -S "$release" --show-depends -q "$module" 2>/dev/null |
      awk '$1 == "insmod" {print $2}' || true
  done | sort -u
}

# Copies those modules, without compression and debugging information, into an initramfs folder.
copy_modules() { # DIR KV ROOT MODULE...
  local dir=$1 release=$2 root=$3 file relative
  shift 3
  [ -e "$dir/lib/modules/$release/modules.dep" ] || depmod -b "$dir" "$release"
  mkdir -p "$root/lib/modules/$release"
  modules_of "$dir" "$release" "$@" | while read -r file; do
    relative=${file#"$dir"}
    mkdir -p "$root/$(dirname "$relative")"
    case $file in
      *.xz) xz -dc "$file" >"$root/${relative%.xz}" ;;
      *.zst) zstd -qdc "$file" >"$root/${relative%.zst}" ;;
      *) cp "$file" "$root/$relative" ;;
    esac
  done
  cp "$dir/lib/modules/$release"/modules.builtin* "$dir/lib/modules/$release/modules.order" \
    "$root/lib/modules/$release/" 2>/dev/null || true
  depmod -b "$root" "$release"
  find "$root/lib/modules" -name '*.ko' -exec strip --strip-debug {} +
}

# The libraries that FILE... are linked with, by path; those in EXTRA count as installed.
libraries_of() { # EXTRA FILE...
  local extra=$1 file
  shift
  for file; do
    LD_LIBRARY_PATH=$extra ldd "$file" 2>/dev/null |
      awk '{for (i = 1; i <= NF; i++) if ($i ~ /^\//) print $i}'
  done | sort -u
}

# Where this machine has libarchive.
libarchive() {
  local path
  path=$(/sbin/ldconfig -p | awk '$1 ~ /^libarchive\.so\.[0-9]+$/ && !found++ {print $NF}')
  [ -n "$path" ] || {
    echo "libarchive is not installed (Debian: libarchive13)" >&2
    return 1
  }
  echo "$path"
}

# Copies the files whose paths it reads into a root; unpacked ones to where they would be installed.
copy_libraries() { # ROOT
  local file path
  while read -r file; do
    path=/${file#"$LAB_TMP"/*/}
    [ -e "$1$path" ] || {
      mkdir -p "$1$(dirname "$path")"
      cp -L "$file" "$1$path"
    }
  done
}

pack_cpio() { # ROOT
  (cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet)
}

# The kernel as a bare ELF file: booting it by PVH saves unpacking it under emulation.
vmlinux_of() { # KERNEL; prints the path
  local out=$LAB_TMP/build/vmlinux-$1
  [ -s "$out" ] || {
    "$LAB/extract_vmlinux.py" "$LAB_TMP/kern/$1"/boot/vmlinuz-* "$out.tmp" && mv "$out.tmp" "$out"
  } || return 1
  echo "$out"
}
