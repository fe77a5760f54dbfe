// SPDX-License-Identifier: Apache-2.0
#include "diagnose/parts.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace irqtune::diagnosis {

Finding make_finding(std::string_view id, Severity severity, std::string title) {
  Finding finding;
  finding.id = id;
  finding.severity = severity;
  finding.title = std::move(title);
  return finding;
}

std::string rate_text(double per_second) {
  return per_second >= 10 || per_second == 0 ? fmt::format("{:.0f}/s", per_second)
                                             : fmt::format("{:.1f}/s", per_second);
}

std::string rate_basis(const Host& host) {
  switch (host.rate_source) {
    case RateSource::sampled:
      return host.sample_seconds ? fmt::format("over {:.3g} s", *host.sample_seconds) : "sampled";
    case RateSource::since_boot:
      return "since boot";
    case RateSource::none:
      break;
  }
  return {};
}

std::string rate_note(const Host& host, double rate) {
  return host.rate_source == RateSource::none
             ? std::string{}
             : fmt::format(", {} {}", rate_text(rate), rate_basis(host));
}

std::string numbers_text(const std::vector<const Irq*>& irqs) {
  CpuSet numbers;  // For its list form.
  for (const auto* irq : irqs) {
    numbers.insert(static_cast<int>(irq->number));
  }
  return numbers.to_list();
}

double rate_of(const std::vector<const Irq*>& irqs) {
  double sum = 0;
  for (const auto* irq : irqs) {
    sum += total_rate(*irq);
  }
  return sum;
}

void name_irqs(const std::vector<const Irq*>& irqs, Finding& finding) {
  std::set<IrqNumber> numbers;
  std::set<PciAddress> devices;
  for (const auto* irq : irqs) {
    numbers.insert(irq->number);
    if (irq->device) {
      devices.insert(*irq->device);
    }
  }
  finding.irqs.assign(numbers.begin(), numbers.end());
  finding.devices.assign(devices.begin(), devices.end());
}

void shorten(std::vector<std::string>& lines, std::size_t most) {
  if (lines.size() > most) {
    const auto more = lines.size() - (most - 1);
    lines.resize(most - 1);
    lines.push_back(fmt::format("and {} more", more));
  }
}

CpuSet vcpu_cpus(const ProtectionMap& protections, bool siblings) {
  const auto counts = [&](const Protection& reason) {
    return reason.kind == ProtectionKind::vcpu ||
           (siblings && reason.kind == ProtectionKind::sibling);
  };
  CpuSet cpus;
  for (const auto& [cpu, reasons] : protections) {
    if (std::ranges::any_of(reasons, counts)) {
      cpus.insert(cpu);
    }
  }
  return cpus;
}

bool is_served(const Irq& irq) {
  return irq.vector && !irq.actions.empty() && irq.posted != Posted::posted;
}

std::optional<int> target_cpu(const Irq& irq) {
  const auto& at = headed_to(irq);
  return at && at->size() == 1 ? at->first() : std::nullopt;
}

std::string holder_name(const Host& host, const PciAddress& device) {
  if (const auto* vm = find_owner(host, device)) {
    return printable(vm->name);
  }
  for (const auto& user : host.vfio_users) {
    if (std::ranges::find(user.devices, device) != user.devices.end()) {
      return fmt::format("{} (pid {})", printable(user.comm), user.pid);
    }
  }
  return device.to_string();
}

std::string apply_command(const Host& host, const PciAddress& device) {
  const auto* vm = find_owner(host, device);
  return vm != nullptr ? fmt::format("irqtune apply --vm {}", shell_word(vm->name))
                       : fmt::format("irqtune apply --device {}", device.to_string());
}

CpuSet housekeeping_near(const DiagnosisInput& input, const Vm& vm) {
  CpuSet pinned;
  for (const auto& vcpu : vm.vcpus) {
    pinned |= vcpu.pinned && vcpu.cpus ? *vcpu.cpus : CpuSet{};
  }
  CpuSet near;
  for (const auto& node : input.host.topology.nodes) {
    near |= node.cpus.intersects(pinned) ? node.cpus & input.plan.housekeeping : CpuSet{};
  }
  return near.empty() ? input.plan.housekeeping : near;
}

bool has_pinned_vms(const Host& host) {
  return std::ranges::any_of(host.vms, [](const Vm& vm) {
    return vm.state == VmState::running &&
           std::ranges::any_of(vm.vcpus, [](const Vcpu& vcpu) { return vcpu.pinned; });
  });
}

}  // namespace irqtune::diagnosis
