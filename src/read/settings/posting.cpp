// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/settings/settings.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

std::optional<bool> parameter(const Sysfs& sysfs, std::string_view module, std::string_view name) {
  const auto text =
      sysfs.read(fmt::format("/sys/module/{}/parameters/{}", module, name)).value_or("");
  const auto value = trimmed(text);
  if (value == "Y" || value == "y" || value == "1") {
    return true;
  }
  return value == "N" || value == "n" || value == "0" ? std::optional(false) : std::nullopt;
}

/// Source: Linux drivers/iommu/intel/iommu.h, cap_pi_support().
std::optional<bool> all_iommus_post(const Sysfs& sysfs) {
  constexpr std::string_view kDir = "/sys/devices/virtual/iommu";
  constexpr int kPostedInterrupts = 59;
  std::optional<bool> all;
  for (const auto& name : sysfs.list(kDir)) {
    const auto text = sysfs.read(fmt::format("{}/{}/intel-iommu/cap", kDir, name));
    const auto cap = text ? parse_hex<std::uint64_t>(trimmed(*text)) : std::nullopt;
    if (cap) {
      all = all.value_or(true) && ((*cap >> kPostedInterrupts) & 1U) != 0;
    }
  }
  return all;
}

/// Source: Linux arch/x86/kernel/irq.c: the row is there if the kernel is built with posted MSIs
/// (6.10 to 7.1), or if they are in use (since 7.2).
std::optional<bool> has_posted_msi(const Sysfs& sysfs) {
  const auto parameters = parse_kernel_parameters(sysfs.read("/proc/cmdline").value_or(""));
  if (find_word(parameters, "intremap", "posted_msi") == nullptr) {
    return std::nullopt;
  }
  constexpr std::size_t kLargestTable = std::size_t{512} << 20;
  constexpr std::size_t kLabel = 4;
  bool whole = false;
  bool posts = false;
  std::string text;
  const auto error = sysfs.stream("/proc/interrupts", kLargestTable, [&](std::string_view piece) {
    text.erase(0, text.size() - std::min(text.size(), kLabel - 1));
    text += piece;
    whole = whole || text.find("NMI:") != std::string::npos;
    posts = posts || text.find("PMN:") != std::string::npos;
  });
  return whole && !error ? std::optional(posts) : std::nullopt;
}

}  // namespace

PostingFacts read_posting_facts(const Sysfs& sysfs) {
  PostingFacts facts;
  for (const std::string_view module : {"kvm_intel", "kvm_amd"}) {
    if (!facts.device_posted_irqs) {
      facts.device_posted_irqs = parameter(sysfs, module, "enable_device_posted_irqs");
    }
  }
  facts.apicv = parameter(sysfs, "kvm_intel", "enable_apicv");
  facts.avic = parameter(sysfs, "kvm_amd", "avic");
  facts.iommu = all_iommus_post(sysfs);
  facts.posted_msi = has_posted_msi(sysfs);
  return facts;
}

}  // namespace irqtune
