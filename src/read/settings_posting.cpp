// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/settings.h"

#include <fmt/format.h>

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
  return facts;
}

}  // namespace irqtune
