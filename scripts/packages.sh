#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs Debian packages that are missing: scripts/packages.sh build|static|test|lint|fuzz|bench|package|rpm|fleet|browser|lab|all
# What is there already is left as it is, so that a second run needs neither root nor network.
set -eu

build=(g++ cmake ninja-build pkg-config libcli11-dev libfmt-dev libspdlog-dev nlohmann-json3-dev
  libpugixml-dev libarchive-dev libncurses-dev libpci-dev pci.ids)
static=(liblzma-dev libzstd-dev libbz2-dev zlib1g-dev binutils file time util-linux gcc libc6-dev)
test=(fish zsh tmux catch2 mold python3 python3-jinja2 python3-jsonschema tar gzip)
bench=(libbenchmark-dev python3 time util-linux util-linux-extra)
lint=(clang clang-tidy clang-format shellcheck git)
fuzz=(clang llvm libclang-rt-dev)
lab=(qemu-system-x86 seabios busybox-static cpio kmod jq xz-utils zstd binutils gcc libc6-dev python3
  debian-archive-keyring)

package=(dpkg-dev lintian mmdebstrap gzip git file)
rpm=(binutils file git rpm rpmlint)
fleet=(ansible-core ansible-lint openssh-server iproute2 python3-jinja2 python3-apt)
browser=(chromium fonts-dejavu-core python3)

wanted=()
for set in "${@:-build}"; do
  case $set in
    build) wanted+=("${build[@]}") ;;
    static) wanted+=("${build[@]}" "${static[@]}") ;;
    test) wanted+=("${build[@]}" "${test[@]}") ;;
    lint) wanted+=("${build[@]}" "${lint[@]}") ;;
    bench) wanted+=("${build[@]}" "${bench[@]}") ;;
    fuzz) wanted+=("${build[@]}" "${fuzz[@]}") ;;
    package) wanted+=("${build[@]}" "${package[@]}") ;;
    rpm) wanted+=("${rpm[@]}") ;;
    fleet) wanted+=("${fleet[@]}") ;;
    browser) wanted+=("${browser[@]}") ;;
    lab) wanted+=("${build[@]}" "${lab[@]}") ;;
    all)
      wanted+=("${build[@]}" "${static[@]}" "${test[@]}" "${lint[@]}" "${bench[@]}" "${fuzz[@]}" "${lab[@]}")
      ;;
    *)
      echo "packages.sh: unknown set '$set' (build, static, test, lint, bench, fuzz, package, rpm, fleet, browser, lab, all)" >&2
      exit 2
      ;;
  esac
done

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "packages.sh: these are missing and only root can install them: ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q >/dev/null
"${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends "${missing[@]}" >/dev/null
