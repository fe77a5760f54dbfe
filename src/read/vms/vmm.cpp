// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/vmm.h"

#include "irqtune/core/text.h"

#include <algorithm>
#include <array>

namespace irqtune {

namespace {

using Words = std::string_view;

// "kvm" is Proxmox' and Debian's name for QEMU; NixOS has ".qemu-system-x86_64-wrapped".
// Source: QEMU accel/kvm/kvm-accel-ops.c, iothread.c, util/rcu.c, util/thread-pool.c, system/vl.c.
constexpr std::array<Words, 3> kQemuComms = {"*qemu-system*", "qemu-kvm", "kvm"};
constexpr std::array<Words, 3> kQemuPrograms = {"*qemu-system-*", "qemu-kvm", "kvm"};
constexpr std::array<Words, 1> kQemuVcpus = {"CPU "};
constexpr std::array<Words, 13> kQemuHelpers = {"IO *",
                                                "TC *",
                                                "worker*",
                                                "vhost-*",
                                                "kvm-nx-lpage-*",
                                                "kvm-pit/*",
                                                "call_rcu",
                                                "vnc_worker*",
                                                "iou-*",
                                                "SPICE*",
                                                "gmain",
                                                "multifd*",
                                                "live_migration"};
constexpr std::array<Words, 1> kQemuNames = {"-name"};
constexpr std::array<Words, 2> kQemuStatus = {"/run/libvirt/qemu", "/var/run/libvirt/qemu"};

// Source: cloud-hypervisor vmm/src/lib.rs, vmm/src/cpu.rs, virtio-devices/src/*; src/main.rs.
constexpr std::array<Words, 1> kCloudComms = {"cloud-hyperviso*"};
constexpr std::array<Words, 1> kCloudPrograms = {"cloud-hypervisor*"};
constexpr std::array<Words, 3> kCloudVcpus = {"vcpu", "vcpu-", "vcpu_"};  // Its kin, too
constexpr std::array<Words, 8> kCloudHelpers = {"vmm",
                                                "vmm_signal_*",
                                                "http-server",
                                                "serial-manager",
                                                "event-monitor",
                                                "dbus-thread",
                                                "_*",
                                                "gdb"};
constexpr std::array<Words, 1> kCloudSockets = {"--api-socket"};
constexpr std::array<Words, 8> kCloudNoNames = {
    "api", "clh-api", "ch-api", "ch", "clh", "sock", "socket", "cloud-hypervisor"};
constexpr std::array<Words, 2> kCloudStatus = {"/run/libvirt/ch", "/var/run/libvirt/ch"};

// Source: firecracker src/vmm/src/vstate/vcpu.rs, src/firecracker/src/main.rs; libkrun is its
// offspring, and calls its threads the same.
constexpr std::array<Words, 2> kFireComms = {"firecracker*", "krun*"};
constexpr std::array<Words, 2> kFirePrograms = {"firecracker*", "krun*"};
constexpr std::array<Words, 1> kFireVcpus = {"fc_vcpu "};
constexpr std::array<Words, 2> kFireHelpers = {"fc_api", "fc_vmm"};
constexpr std::array<Words, 1> kFireNames = {"--id"};

// Source: crosvm src/crosvm/cmdline.rs, src/sys/linux/vcpu.rs.
constexpr std::array<Words, 1> kCrosvmComms = {"crosvm*"};
constexpr std::array<Words, 1> kCrosvmVcpus = {"crosvm_vcpu"};
constexpr std::array<Words, 1> kCrosvmNames = {"--name"};
constexpr std::array<Words, 2> kCrosvmSockets = {"--socket", "-s"};
constexpr std::array<Words, 4> kCrosvmNoNames = {"crosvm", "sock", "socket", "control"};

// Source: kvmtool builtin-run.c, kvm-cpu.c.
constexpr std::array<Words, 1> kToolComms = {"lkvm*"};
constexpr std::array<Words, 1> kToolVcpus = {"kvm-vcpu-"};
constexpr std::array<Words, 3> kToolHelpers = {"virtio-*", "kvm-ipc", "term-poll"};
constexpr std::array<Words, 1> kToolNames = {"--name"};

// Source: kata-containers src/dragonball/src/vcpu; its process is the runtime's own.
constexpr std::array<Words, 1> kDragonballComms = {"dragonball*"};
constexpr std::array<Words, 1> kDragonballVcpus = {"db_vcpu"};

// QEMU's names of threads. Source: stratovirt cpu/src/lib.rs.
constexpr std::array<Words, 1> kStratoComms = {"stratovirt*"};

// Source: openvmm openvmm/openvmm_core/src/worker/dispatch.rs.
constexpr std::array<Words, 1> kOpenComms = {"openvmm*"};
constexpr std::array<Words, 1> kOpenVcpus = {"vp-"};

// On KVM since 7.0.16's patches. Source: VirtualBox src/VBox/VMM/VMMR3/VM.cpp.
constexpr std::array<Words, 2> kBoxComms = {"VBoxHeadless*", "VirtualBoxVM*"};
constexpr std::array<Words, 1> kBoxVcpus = {"EMT-"};
constexpr std::array<Words, 1> kBoxNames = {"--comment"};

constexpr std::array<Vmm, 9> kVmms = {
    Vmm{"QEMU",
        kQemuComms,
        kQemuPrograms,
        kQemuVcpus,
        kQemuHelpers,
        kQemuNames,
        {},
        {},
        kQemuStatus},
    Vmm{"cloud-hypervisor",
        kCloudComms,
        kCloudPrograms,
        kCloudVcpus,
        kCloudHelpers,
        {},
        kCloudSockets,
        kCloudNoNames,
        kCloudStatus},
    Vmm{"firecracker", kFireComms, kFirePrograms, kFireVcpus, kFireHelpers, kFireNames, {}, {}, {}},
    Vmm{"crosvm",
        kCrosvmComms,
        kCrosvmComms,
        kCrosvmVcpus,
        {},
        kCrosvmNames,
        kCrosvmSockets,
        kCrosvmNoNames,
        {}},
    Vmm{"kvmtool", kToolComms, kToolComms, kToolVcpus, kToolHelpers, kToolNames, {}, {}, {}},
    Vmm{"Dragonball", kDragonballComms, kDragonballComms, kDragonballVcpus, {}, {}, {}, {}, {}},
    Vmm{"StratoVirt", kStratoComms, kStratoComms, kQemuVcpus, kQemuHelpers, {}, {}, {}, {}},
    Vmm{"OpenVMM", kOpenComms, kOpenComms, kOpenVcpus, {}, {}, {}, {}, {}},
    Vmm{"VirtualBox", kBoxComms, kBoxComms, kBoxVcpus, {}, kBoxNames, {}, {}, {}}};

bool matches_any(std::span<const std::string_view> globs, std::string_view text) noexcept {
  return std::ranges::any_of(globs, [&](auto glob) { return matches_glob(glob, text); });
}

/// The number behind the longest prefix that fits: "CPU 3/KVM" goes to its slash.
std::optional<int> number_behind(std::string_view prefix, std::string_view comm) noexcept {
  if (!comm.starts_with(prefix)) {
    return std::nullopt;
  }
  auto rest = comm.substr(prefix.size());
  const auto number = take_until(rest, '/');
  if (prefix.ends_with(' ') && prefix.starts_with("CPU") && rest.empty()) {
    return std::nullopt;
  }
  const auto vcpu = parse_number<int>(number);
  return vcpu && *vcpu >= 0 ? vcpu : std::nullopt;
}

}  // namespace

std::span<const Vmm> vmms() noexcept {
  return kVmms;
}

const Vmm* vmm_of_comm(std::string_view comm) noexcept {
  const auto* const found =
      std::ranges::find_if(kVmms, [&](const Vmm& vmm) { return matches_any(vmm.comms, comm); });
  return found != kVmms.end() ? found : nullptr;
}

const Vmm* vmm_of_program(std::string_view program) noexcept {
  const auto* const found = std::ranges::find_if(
      kVmms, [&](const Vmm& vmm) { return matches_any(vmm.programs, program); });
  return found != kVmms.end() ? found : nullptr;
}

bool is_qemu(const Vmm* vmm) noexcept {
  return vmm == &kVmms.front();
}

bool is_helper_thread(std::string_view comm) noexcept {
  return std::ranges::any_of(kVmms, [&](const Vmm& vmm) { return matches_any(vmm.helpers, comm); });
}

std::optional<int> vcpu_of_thread(std::string_view comm) noexcept {
  std::optional<int> found;
  for (const auto& vmm : kVmms) {
    for (const auto prefix : vmm.vcpus) {
      found = found ? found : number_behind(prefix, comm);
    }
  }
  return found;
}

}  // namespace irqtune
