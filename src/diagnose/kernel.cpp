// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/command_line.h"
#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

bool has_vectors(const Host& host) {
  return std::ranges::any_of(host.irqs, [](const Irq& irq) { return irq.vector.has_value(); });
}

bool has_devices(const Vm& vm) {
  return is_running(vm) && !vm.devices.empty();
}

void find_default_affinity(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto& mask = input.host.default_affinity;
  const auto hit =
      mask ? *mask & vcpu_cpus(input.protections, true) & input.host.topology.online : CpuSet{};
  if (hit.empty()) {
    return;
  }
  const bool devices = std::ranges::any_of(input.host.vms, has_devices);
  auto finding =
      make_finding("default-affinity-on-vcpu",
                   devices ? Severity::warning : Severity::info,
                   fmt::format("new interrupts may start on cores of vCPUs ({})", short_list(hit)));
  finding.cost =
      "whenever a guest reboots or loads a driver its vectors are made anew, and start there";
  finding.evidence = {fmt::format("/proc/irq/default_smp_affinity: {}", mask->to_list())};
  const auto housekeeping = input.plan.housekeeping.to_list();
  finding.remedy =
      housekeeping.empty()
          ? std::vector<std::string>{"no CPU is left for them: see no-housekeeping-cpu"}
          : std::vector<std::string>{"until the next reboot:",
                                     "irqtune apply --default-affinity",
                                     "for good, on the kernel command line (see kernel-cmdline):",
                                     fmt::format("irqaffinity={}", housekeeping)};
  finding.cpus = hit;
  findings.push_back(std::move(finding));
}

/// MSI of x86 whose chip's name lacks "IR-" goes to the CPU as the device sends it.
bool is_unremapped(const Irq& irq) {
  return irq.vector && irq.chip.starts_with("PCI-MSI");
}

bool is_remapped(const Irq& irq) {
  return irq.chip.starts_with("IR-");
}

void find_remapping(const DiagnosisInput& input, std::vector<Finding>& findings) {
  std::vector<const Irq*> irqs;
  for (const auto& irq : input.host.irqs) {
    if (is_unremapped(irq)) {
      irqs.push_back(&irq);
    }
  }
  const auto* off = find_word(input.settings.kernel, "intremap", "off", "on");
  if (irqs.empty() && (off == nullptr || !has_vectors(input.host))) {
    return;
  }
  auto finding = make_finding(
      "intremap-off", Severity::warning, "passed-through devices run without interrupt remapping");
  finding.cost =
      "a guest can make its device send any interrupt to the host; posting is not possible; moves "
      "of idle vectors stay pending";
  if (!irqs.empty()) {
    finding.evidence.push_back(fmt::format("/proc/interrupts: IRQ {} on chip {}, not IR-{}",
                                           numbers_text(irqs),
                                           irqs.front()->chip.substr(0, 8),
                                           irqs.front()->chip.substr(0, 8)));
  }
  if (off != nullptr) {
    finding.evidence.push_back(fmt::format("/proc/cmdline: {}", printable(parameter_text(*off))));
  }
  if (input.settings.unsafe_interrupts == true) {
    finding.evidence.emplace_back("vfio_iommu_type1: allow_unsafe_interrupts is on");
  }
  finding.remedy =
      off != nullptr ? drop_token(parameter_text(*off))
                     : std::vector<std::string>{
                           "switch on VT-d or AMD-Vi with interrupt remapping in the firmware, and "
                           "intel_iommu=on on Intel; what the kernel says of it:",
                           "dmesg | grep -i remapping"};
  name_irqs(irqs, finding);
  findings.push_back(std::move(finding));
}

void find_unsafe(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const bool remapped = std::ranges::any_of(input.host.irqs, is_remapped);
  if (input.settings.unsafe_interrupts != true || !remapped) {
    return;
  }
  auto finding = make_finding("unsafe-interrupts",
                              Severity::warning,
                              "vfio accepts devices without interrupt remapping, needlessly");
  finding.cost = "should remapping ever fail to start, guests run unprotected and nobody is told";
  finding.evidence = {"/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts: on",
                      "/proc/interrupts: chips begin with IR-, so remapping works"};
  finding.remedy = {"at once:",
                    "echo N > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
                    "and for good, take it out of where it is set:",
                    "grep -rn allow_unsafe_interrupts /etc/modprobe.d /proc/cmdline"};
  findings.push_back(std::move(finding));
}

/// A parameter that works against passthrough, where there is some.
struct Against {
  std::string_view id;
  std::string_view name;
  std::string_view word;  ///< Empty: the parameter has no value.
  std::string_view undo;  ///< A later one takes it back; empty: nothing does.
  Severity severity;
  std::string_view title;
  std::string_view cost;
};

constexpr std::string_view kNoIommu = "the IOMMU is switched off, and devices are passed through";
constexpr std::string_view kNoIommuCost =
    "without an IOMMU a guest's device reaches all of the host's memory";

constexpr std::array kAgainst = {
    Against{"iommu-off", "iommu", "off", "", Severity::warning, kNoIommu, kNoIommuCost},
    Against{"iommu-off", "intel_iommu", "off", "on", Severity::warning, kNoIommu, kNoIommuCost},
    Against{"iommu-off", "amd_iommu", "off", "", Severity::warning, kNoIommu, kNoIommuCost},
    Against{"pci-nomsi",
            "pci",
            "nomsi",
            "",
            Severity::warning,
            "MSI is switched off: every passed-through device is on a shared INTx line",
            "one interrupt for the whole device, masked and unmasked by the host each time"},
    Against{"posting-off",
            "intremap",
            "nopost",
            "",
            Severity::info,
            "posted interrupts are switched off on the kernel command line",
            "every interrupt of a passed-through device runs on a host CPU first"},
    Against{"threadirqs",
            "threadirqs",
            "",
            "",
            Severity::info,
            "threadirqs makes the handlers of passed-through devices threads",
            "one more wake-up on the way of each interrupt to its guest"},
};

/// KVM's module tells whose CPUs these are: the other vendor's parameter means nothing.
bool is_other_vendors(const Against& against, const PostingFacts& posting) {
  return (against.name == "intel_iommu" && posting.avic && !posting.apicv) ||
         (against.name == "amd_iommu" && posting.apicv && !posting.avic);
}

const KernelParameter* find_against_token(const Against& against, const Settings& settings) {
  if (is_other_vendors(against, settings.posting)) {
    return nullptr;
  }
  return against.word.empty()
             ? find_parameter(settings.kernel, against.name)
             : find_word(settings.kernel, against.name, against.word, against.undo);
}

void find_against(const DiagnosisInput& input, std::vector<Finding>& findings) {
  if (!has_vectors(input.host)) {
    return;
  }
  for (const auto& against : kAgainst) {
    const auto* parameter = find_against_token(against, input.settings);
    if (parameter == nullptr) {
      continue;
    }
    const auto token = parameter_text(*parameter);
    auto finding = make_finding(against.id, against.severity, std::string(against.title));
    finding.cost = against.cost;
    finding.evidence = {fmt::format("/proc/cmdline: {}", printable(token))};
    finding.remedy = drop_token(token);
    findings.push_back(std::move(finding));
  }
}

}  // namespace

void find_interrupt_settings(const DiagnosisInput& input, std::vector<Finding>& findings) {
  find_default_affinity(input, findings);
  find_remapping(input, findings);
  find_unsafe(input, findings);
  find_against(input, findings);
}

}  // namespace irqtune::diagnosis

namespace irqtune {

std::vector<Finding> find_settings(const DiagnosisInput& input) {
  std::vector<Finding> findings;
  diagnosis::find_interrupt_settings(input, findings);
  diagnosis::find_command_line(input, findings);
  diagnosis::find_power(input, findings);
  diagnosis::find_folklore(input, findings);
  return findings;
}

}  // namespace irqtune
