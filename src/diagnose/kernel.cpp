// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

bool has_vectors(const Host& host) {
  return std::ranges::any_of(host.irqs, [](const Irq& irq) { return irq.vector.has_value(); });
}

bool has_devices(const Vm& vm) {
  return vm.state == VmState::running && !vm.devices.empty();
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
                   fmt::format("new interrupts may start on cores of vCPUs ({})", hit.to_list()));
  finding.cost =
      "whenever a guest boots or loads a driver its vectors are made anew, and start there";
  finding.evidence = {fmt::format("/proc/irq/default_smp_affinity: {}", mask->to_list())};
  const auto housekeeping = input.plan.housekeeping.to_list();
  finding.remedy =
      housekeeping.empty()
          ? std::vector<std::string>{"no CPU is left for them: see no-housekeeping-cpu"}
          : std::vector<std::string>{
                "until the next boot: irqtune apply --default-affinity",
                fmt::format("for good, on the kernel command line: irqaffinity={}", housekeeping)};
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
  const auto* parameter = find_parameter(input.settings, "intremap");
  const bool off = parameter != nullptr && has_word(parameter->value, "off");
  if (irqs.empty() && !(off && has_vectors(input.host))) {
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
  if (off) {
    finding.evidence.push_back(fmt::format("/proc/cmdline: intremap={}", parameter->value));
  }
  if (input.settings.unsafe_interrupts == true) {
    finding.evidence.emplace_back("vfio_iommu_type1: allow_unsafe_interrupts is on");
  }
  finding.remedy = {off ? "take intremap=off off the kernel command line"
                        : "switch on VT-d or AMD-Vi with interrupt remapping in the firmware, and "
                          "intel_iommu=on on Intel; dmesg | grep -i remapping says why it is off"};
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
  finding.remedy = {
      "remove allow_unsafe_interrupts=1 from /etc/modprobe.d and from the kernel command line"};
  findings.push_back(std::move(finding));
}

/// A parameter that works against passthrough, where there is some.
struct Against {
  std::string_view id;
  std::string_view name;
  std::string_view word;
  Severity severity;
  std::string_view title;
  std::string_view cost;
};

constexpr std::array kAgainst = {
    Against{"iommu-off",
            "iommu",
            "off",
            Severity::warning,
            "the IOMMU is switched off, and devices are passed through",
            "without an IOMMU a guest's device reaches all of the host's memory"},
    Against{"iommu-off",
            "intel_iommu",
            "off",
            Severity::warning,
            "the IOMMU is switched off, and devices are passed through",
            "without an IOMMU a guest's device reaches all of the host's memory"},
    Against{"iommu-off",
            "amd_iommu",
            "off",
            Severity::warning,
            "the IOMMU is switched off, and devices are passed through",
            "without an IOMMU a guest's device reaches all of the host's memory"},
    Against{"pci-nomsi",
            "pci",
            "nomsi",
            Severity::warning,
            "MSI is switched off: every passed-through device is on a shared INTx line",
            "one interrupt for the whole device, masked and unmasked by the host each time"},
    Against{"posting-off",
            "intremap",
            "nopost",
            Severity::info,
            "posted interrupts are switched off on the kernel command line",
            "every interrupt of a passed-through device runs on a host CPU first"},
    Against{"threadirqs",
            "threadirqs",
            "",
            Severity::info,
            "threadirqs makes the handlers of passed-through devices threads",
            "one more wake-up on the way of each interrupt to its guest"},
};

void find_against(const DiagnosisInput& input, std::vector<Finding>& findings) {
  if (!has_vectors(input.host)) {
    return;
  }
  for (const auto& against : kAgainst) {
    const auto* parameter = find_parameter(input.settings, against.name);
    if (parameter == nullptr ||
        (!against.word.empty() && !has_word(parameter->value, against.word))) {
      continue;
    }
    const auto token = against.word.empty() ? std::string(against.name)
                                            : fmt::format("{}={}", against.name, against.word);
    auto finding = make_finding(against.id, against.severity, std::string(against.title));
    finding.cost = against.cost;
    finding.evidence = {fmt::format("/proc/cmdline: {}", token)};
    finding.remedy = {fmt::format("take {} off the kernel command line", token)};
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
