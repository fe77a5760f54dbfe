// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/delivery.h"
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "diagnose/command_line.h"
#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

constexpr double kNoticed = 1;     // Interrupts a second; below, nobody notices.
constexpr double kHostBusy = 100;  // Of the host's own devices on all CPUs in question.

/// Where the host's own interrupts had better not be.
struct Ground {
  std::string_view id;
  std::string_view title;
  std::string_view cost;
  CpuSet cpus;
};

/// An interrupt of the host and how often it comes there.
struct Hit {
  double rate = 0;
  const Irq* irq = nullptr;
};

double rate_on_any(const Host& host, const Irq& irq, const CpuSet& cpus) {
  RatesByCpu rates;
  add_rates(host, irq, std::nullopt, rates);
  double sum = 0;
  for (const auto& [cpu, rate] : rates) {
    sum += cpus.contains(cpu) ? rate : 0;
  }
  return sum;
}

/// The busiest first.
std::vector<Hit> hits_on(const Host& host, const CpuSet& cpus) {
  std::vector<Hit> hits;
  for (const auto& irq : host.irqs) {
    const auto rate = irq.vector ? 0 : rate_on_any(host, irq, cpus);
    if (rate >= kNoticed) {
      hits.push_back({rate, &irq});
    }
  }
  std::ranges::stable_sort(hits, std::greater<>(), &Hit::rate);
  return hits;
}

/// The driver's parameter that says how many queues there are; empty where irqtune knows none.
/// Source: Linux drivers/scsi/{megaraid,mpt3sas,lpfc}
std::string_view queue_parameter(std::string_view driver) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kParameters = {
      {{"megaraid_sas", "msix_vectors"},
       {"mpt3sas", "max_msix_vectors"},
       {"lpfc", "lpfc_irq_chann"}}};
  for (const auto& [name, parameter] : kParameters) {
    if (name == driver) {
      return parameter;
    }
  }
  return {};
}

/// What helps where a queue's whole mask is protected: there is no CPU that isolcpus=managed_irq
/// could prefer. Source: Linux kernel/irq/manage.c, irq_do_set_affinity()
std::string fewer_queues(const Host& host, const std::vector<const Irq*>& irqs) {
  std::set<std::string> drivers;
  for (const auto* irq : irqs) {
    const auto* device = irq->device ? find_device(host, *irq->device) : nullptr;
    if (device != nullptr && !device->driver.empty()) {
      const auto parameter = queue_parameter(device->driver);
      drivers.insert(parameter.empty()
                         ? fmt::format("modinfo -p {} lists them", printable(device->driver))
                         : fmt::format("{}.{}=N", device->driver, parameter));
    }
  }
  return fmt::format(
      "each CPU that queue of IRQ {} may use is protected: isolcpus=managed_irq cannot move {}. "
      "Fewer queues than CPUs give each a mask with a housekeeping CPU in it: by the driver's "
      "parameter{}",
      numbers_text(irqs),
      irqs.size() == 1 ? "it" : "them",
      drivers.empty() ? std::string() : fmt::format(" ({})", fmt::join(drivers, "; ")));
}

std::vector<std::string> remedy_for(const DiagnosisInput& input, const std::vector<Hit>& hits) {
  const auto lists = cpu_lists(input);
  const auto kept = isolated_wish(input, lists) | protected_cpus(input.protections);
  std::vector<const Irq*> stuck;
  bool movable = false;
  bool helped = false;
  for (const auto& hit : hits) {
    const bool managed = hit.irq->settable == false;
    movable = movable || !managed;
    if (managed && hit.irq->affinity && kept.contains_all(*hit.irq->affinity)) {
      stuck.push_back(hit.irq);
    } else {
      helped = helped || managed;
    }
  }
  std::vector<std::string> remedy;
  if (movable) {
    remedy.emplace_back("irqtune apply --scope evict");
  }
  if (helped) {
    remedy.emplace_back(
        "those that the kernel manages keep off at boot only, on the kernel command line (see "
        "kernel-cmdline):");
    remedy.push_back(isolcpus_token(input, lists));
  }
  if (!stuck.empty()) {
    remedy.push_back(fewer_queues(input.host, stuck));
  }
  return remedy;
}

void find_on(const DiagnosisInput& input, const Ground& ground, std::vector<Finding>& findings) {
  const auto hits = hits_on(input.host, ground.cpus);
  double sum = 0;
  std::vector<const Irq*> irqs;
  for (const auto& hit : hits) {
    sum += hit.rate;
    irqs.push_back(hit.irq);
  }
  if (sum < kHostBusy) {
    return;
  }
  auto finding = make_finding(
      ground.id, Severity::warning, fmt::format("{}{}", ground.title, rate_note(input.host, sum)));
  finding.cost = ground.cost;
  for (const auto& [rate, irq] : hits) {
    const auto there = delivery_of(input.host, *irq).cpus & ground.cpus;
    finding.cpus |= there;
    finding.evidence.push_back(
        fmt::format("IRQ {} ({}){}: {}/s on {}",
                    static_cast<unsigned>(irq->number),
                    irq->actions.empty() ? "no handler" : printable(irq->actions.front()),
                    irq->settable == false ? ", which the kernel manages" : "",
                    rate_text(rate),
                    there.to_list()));
  }
  shorten(finding.evidence, kMostEvidence);
  finding.remedy = remedy_for(input, hits);
  name_irqs(irqs, finding);
  findings.push_back(std::move(finding));
}

}  // namespace

void find_host_irqs(const DiagnosisInput& input, std::vector<Finding>& findings) {
  find_on(input,
          {"host-irq-on-vcpu",
           "the host's own devices interrupt cores that vCPUs run on",
           "each interrupt throws the vCPU that runs there out of its guest",
           vcpu_cpus(input.protections, false)},
          findings);
  find_on(input,
          {"host-irq-on-isolated",
           "the host's own devices interrupt isolated CPUs",
           "what runs there was to be left alone; isolation itself moves no interrupt",
           protected_cpus(input.protections) - vcpu_cpus(input.protections, true)},
          findings);
}

}  // namespace irqtune::diagnosis
