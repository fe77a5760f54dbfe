// SPDX-License-Identifier: Apache-2.0
#include "support/hosts/vfio_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace irqtune::test {

VfioTree::VfioTree(unsigned vectors) : vectors_(vectors) {
  file("/proc/irq/default_smp_affinity", "ff\n");
  for (unsigned i = 0; i < vectors; ++i) {
    add_vector(kFirstIrq + i, i);
  }
}

void VfioTree::add_vector(unsigned irq,
                          unsigned index,
                          std::string_view device,
                          std::string_view mask) {
  const auto proc = fmt::format("/proc/irq/{}/", irq);
  const auto kernel = fmt::format("/sys/kernel/irq/{}/", irq);
  file(proc + "smp_affinity_list", fmt::format("{}\n", mask));
  file(proc + "effective_affinity_list", "7\n");
  file(kernel + "actions", fmt::format("vfio-msix[{}]({})\n", index, device));
  file(kernel + "chip_name", fmt::format("IR-PCI-MSIX-{}\n", device));
  file(kernel + "hwirq", fmt::format("{}\n", index));
  file(fmt::format("/sys/bus/pci/devices/{}/msi_irqs/{}", device, irq), "msix\n");
  file(fmt::format("/sys/bus/pci/devices/{}/vfio-dev/vfio0/dev", device), "511:0\n");
}

void VfioTree::remove_irq(unsigned irq, std::string_view device) {
  for (const auto& path : {fmt::format("proc/irq/{}", irq),
                           fmt::format("sys/kernel/irq/{}", irq),
                           fmt::format("sys/bus/pci/devices/{}/msi_irqs/{}", device, irq)}) {
    std::filesystem::remove_all(root() / path);
  }
}

std::string VfioTree::mask(unsigned irq) const {
  return text(fmt::format("/proc/irq/{}/smp_affinity_list", irq));
}

void VfioTree::set_mask(unsigned irq, std::string_view mask) {
  file(fmt::format("/proc/irq/{}/smp_affinity_list", irq), fmt::format("{}\n", mask));
}

std::string VfioTree::masks() const {
  auto all = text("/proc/irq/default_smp_affinity");
  for (unsigned i = 0; i < vectors_; ++i) {
    all += mask(kFirstIrq + i);
  }
  return all;
}

std::vector<Write> VfioTree::writes(bool with_default) const {
  std::vector<Write> writes;
  if (with_default) {
    writes.push_back({std::nullopt, "ff", CpuSet{0, 1}});
  }
  for (unsigned i = 0; i < vectors_; ++i) {
    Write write;
    auto& identity = write.identity.emplace();
    identity.irq = IrqNumber{kFirstIrq + i};
    identity.vector = VectorId{vfio_device(), VectorKind::msix, static_cast<std::uint16_t>(i)};
    write.before = "0-7";
    write.after = CpuSet{static_cast<int>(i)};
    writes.push_back(write);
  }
  return writes;
}

Session VfioTree::session() const {
  return {root() / "var/lib/irqtune", root().string(), std::nullopt, "alice", "0123456789abcdef"};
}

std::string VfioTree::journal(std::string id) const {
  if (id.empty()) {
    id = history(session()).at(0).id;
  }
  return text(fmt::format("/var/lib/irqtune/journal/{}.jsonl", id));
}

void VfioTree::set_journal(std::string_view id, std::string_view text) {
  file(fmt::format("/var/lib/irqtune/journal/{}.jsonl", id), text);
}

PciAddress vfio_device() {
  return PciAddress::parse("0000:3b:00.0").value();
}

ApplyOptions quick_options() {
  ApplyOptions options;
  options.clock.sleep = [](std::chrono::microseconds) {};
  return options;
}

std::error_code errno_code(int number) {
  return {number, std::system_category()};
}

WriteFn at_write(const Sysfs& sysfs, unsigned k, std::function<std::error_code()> instead) {
  return [&sysfs, k, instead = std::move(instead), calls = 0U](
             auto path, auto text, const auto& holds) mutable {
    const auto error = calls++ == k ? instead() : std::error_code{};
    return error ? error : sysfs.write(path, text, holds);
  };
}

const Outcome& outcome_of(const ApplyReport& report, unsigned irq) {
  const auto found = std::ranges::find_if(report.outcomes, [&](const Outcome& outcome) {
    return outcome.write.identity && outcome.write.identity->irq == IrqNumber{irq};
  });
  if (found == report.outcomes.end()) {
    throw std::runtime_error("no write for that IRQ");
  }
  return *found;
}

}  // namespace irqtune::test
