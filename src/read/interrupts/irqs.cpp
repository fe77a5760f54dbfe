// SPDX-License-Identifier: Apache-2.0
#include "read/interrupts/irqs.h"

#include "irqtune/core/text.h"
#include "irqtune/sys/generation.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace irqtune {

namespace {

constexpr std::pair<int, int> kModeTells{6,
                                         12};  // Since then 0444 where user space cannot move it.

std::string irq_dir(IrqNumber irq) {
  return fmt::format("/proc/irq/{}", static_cast<std::uint32_t>(irq));
}

std::string kernel_irq_dir(IrqNumber irq) {
  return fmt::format("/sys/kernel/irq/{}", static_cast<std::uint32_t>(irq));
}

std::optional<VectorId> vfio_vector(const Irq& irq) {
  for (const auto& action : irq.actions) {
    if (auto vector = parse_vfio_action(trimmed(action))) {
      return vector;
    }
  }
  return std::nullopt;
}

/// The table index of an MSI(-X) interrupt from its hardware number: the number itself where the
/// chip is the device's own (6.2+), its low bits where the number holds the device's address as
/// well, on x86 and GIC ITS alike, before. Source: Linux drivers/pci/msi/irqdomain.c,
/// pci_msi_domain_calc_hwirq().
std::optional<std::uint16_t> index_of(const Irq& irq, const PciAddress& address) {
  constexpr std::uint64_t kIndexMask = 0x7ff;
  if (!irq.hwirq) {
    return std::nullopt;
  }
  const bool own_chip = irq.chip.find(address.to_string()) != std::string::npos;
  const bool shared_chip = irq.chip.find("PCI-MSI") != std::string::npos ||
                           irq.chip.find("ITS-MSI") != std::string::npos;
  if (!own_chip && !shared_chip) {
    return std::nullopt;
  }
  return static_cast<std::uint16_t>(*irq.hwirq & kIndexMask);
}

/// The handlers' names by the kernel's own file; none if it is absent or empty.
std::vector<std::string> read_actions(const Sysfs& sysfs, IrqNumber number) {
  const auto text = sysfs.read(kernel_irq_dir(number) + "/actions").value_or("");
  std::vector<std::string> names;
  for (const auto part : split(text, ',')) {
    if (const auto name = trimmed(part); !name.empty()) {
      names.emplace_back(name);
    }
  }
  return names;
}

/// Believes the kernel's own file rather than the row.
void set_true_names(const Sysfs& sysfs, Irq& irq) {
  auto names = read_actions(sysfs, irq.number);
  if (!names.empty() && names != irq.actions) {
    irq.actions = std::move(names);
  }
}

/// An interrupt that is allocated but has no row: a guest's masked vector, for instance.
Irq read_unlisted(const Sysfs& sysfs, IrqNumber number) {
  const auto dir = kernel_irq_dir(number);
  Irq irq;
  irq.number = number;
  irq.listed = false;
  irq.chip = sysfs.read(dir + "/chip_name").value_or("");
  irq.hwirq = parse_number<std::uint64_t>(trimmed(sysfs.read(dir + "/hwirq").value_or("")));
  irq.trigger = sysfs.read(dir + "/type").value_or("");
  irq.actions = read_actions(sysfs, number);
  irq.vector = vfio_vector(irq);  // Set up since the table was read.
  if (irq.vector) {
    irq.device = irq.vector->device;
  }
  return irq;
}

Irq* find(std::vector<Irq>& irqs, IrqNumber number) {
  const auto found = std::ranges::lower_bound(irqs, number, {}, &Irq::number);
  return found != irqs.end() && found->number == number ? &*found : nullptr;
}

/// True of a passed-through device's MSI that the row does not call this device's.
bool is_in_doubt(const Irq& irq, const PciDevice& device) {
  return device.passthrough && !(irq.vector && irq.vector->device == device.address);
}

/// Marks the owners of vfio rows as passed through; on a partial tree they may not be listed.
void mark_owners(Host& host) {
  std::set<PciAddress> owners;
  for (auto& irq : host.irqs) {
    irq.vector = vfio_vector(irq);
    if (irq.vector) {
      irq.device = irq.vector->device;
      owners.insert(irq.vector->device);
    }
  }
  for (auto& device : host.devices) {
    device.passthrough = device.passthrough || owners.erase(device.address) > 0;
    owners.erase(device.address);
  }
  for (const auto& address : owners) {
    PciDevice device;
    device.address = address;
    device.passthrough = true;
    host.devices.push_back(device);
  }
  std::ranges::sort(host.devices, {}, &PciDevice::address);
}

/// Joins the MSI(-X) interrupts of one device; new ones without a row go to `unlisted`.
void join_msi(const Sysfs& sysfs,
              PciDevice& device,
              std::vector<Irq>& irqs,
              std::vector<Irq>& unlisted) {
  const auto listed = read_msi_irqs(sysfs, device.address);
  if (!listed.empty()) {
    device.msi_vectors = listed.size();
  }
  for (const auto& [number, kind] : listed) {
    auto* irq = find(irqs, IrqNumber{number});
    if (irq == nullptr && device.passthrough) {
      unlisted.push_back(read_unlisted(sysfs, IrqNumber{number}));
      irq = &unlisted.back();
    }
    if (irq != nullptr && irq->listed && is_in_doubt(*irq, device)) {
      set_true_names(sysfs, *irq);
      irq->vector = vfio_vector(*irq);
      irq->device = irq->vector ? irq->vector->device : device.address;
    }
    if (irq == nullptr || irq->vector) {
      continue;
    }
    irq->device = device.address;
    const auto index = device.passthrough ? index_of(*irq, device.address) : std::nullopt;
    if (index) {
      irq->vector = VectorId{device.address, kind, *index};
    }
  }
}

/// The INTx lines that just one bound device without MSI says are its own.
void join_intx(const Sysfs& sysfs, Host& host) {
  std::map<std::uint32_t, std::vector<PciAddress>> claims;
  for (const auto& device : host.devices) {
    const auto dir = fmt::format("/sys/bus/pci/devices/{}", device.address.to_string());
    const auto number = parse_number<std::uint32_t>(trimmed(sysfs.read(dir + "/irq").value_or("")));
    if (number && *number != 0 && !device.driver.empty() && sysfs.list(dir + "/msi_irqs").empty()) {
      claims[*number].push_back(device.address);
    }
  }
  for (const auto& [number, addresses] : claims) {
    auto* irq = find(host.irqs, IrqNumber{number});
    if (irq != nullptr && !irq->device && addresses.size() == 1) {
      irq->device = addresses.front();
    }
  }
}

std::optional<CpuSet> read_cpus(const Sysfs& sysfs, const std::string& list_path) {
  const auto text = sysfs.read(list_path);
  return text ? CpuSet::parse_list(*text) : std::nullopt;
}

void read_affinity(const Sysfs& sysfs, Detail detail, bool mode_tells, Irq& irq) {
  const auto dir = irq_dir(irq.number);
  const auto list = sysfs.read_file(dir + "/smp_affinity_list");
  if (list.text) {
    irq.affinity = CpuSet::parse_list(*list.text);
    constexpr std::uint32_t kAnyWrite = 0222;
    if ((list.mode & kAnyWrite) == 0) {
      irq.settable = false;
    } else if (mode_tells) {
      irq.settable = true;
    }
  } else if (const auto mask = sysfs.read(dir + "/smp_affinity")) {  // Kernels before 2.6.36.
    irq.affinity = CpuSet::parse_mask(*mask);
  }
  irq.effective = read_cpus(sysfs, dir + "/effective_affinity_list");
  if (detail == Detail::devices) {
    const auto node = parse_number<int>(trimmed(sysfs.read(dir + "/node").value_or("")));
    if (node && *node >= 0) {
      irq.node = NodeId{static_cast<std::uint32_t>(*node)};
    }
  }
}

void join_generations(const Sysfs& sysfs, Host& host) {
  std::map<std::optional<PciAddress>, std::map<IrqNumber, std::uint64_t>> known;
  for (auto& irq : host.irqs) {
    if (!irq.vector) {
      continue;
    }
    const bool line = irq.vector->kind == VectorKind::intx;
    const auto key = line ? std::nullopt : std::optional(irq.vector->device);
    auto found = known.find(key);
    if (found == known.end()) {
      found = known.emplace(key, read_generations(sysfs, key)).first;
    }
    if (const auto at = found->second.find(irq.number); at != found->second.end()) {
      irq.generation = at->second;
    }
  }
}

}  // namespace

void read_true_names(const Sysfs& sysfs, const std::vector<IrqNumber>& doubtful, Host& host) {
  for (const auto number : doubtful) {
    if (auto* irq = find(host.irqs, number)) {
      set_true_names(sysfs, *irq);
    }
  }
}

void join_irqs(const Sysfs& sysfs, Detail detail, Host& host) {
  mark_owners(host);
  std::vector<Irq> unlisted;
  for (auto& device : host.devices) {
    if (device.passthrough || detail == Detail::devices) {
      join_msi(sysfs, device, host.irqs, unlisted);
    }
  }
  if (!unlisted.empty()) {
    std::ranges::move(unlisted, std::back_inserter(host.irqs));
    std::ranges::stable_sort(host.irqs, {}, &Irq::number);
  }
  if (detail == Detail::devices) {
    join_intx(sysfs, host);
  }
  join_generations(sysfs, host);
  const auto version = kernel_version(host.id.kernel.value_or(""));
  const bool mode_tells = version && *version >= kModeTells;
  const auto present = sysfs.list("/proc/irq");  // Without it nothing needs to be opened.
  for (auto& irq : host.irqs) {
    const auto number = std::to_string(static_cast<std::uint32_t>(irq.number));
    if ((irq.vector || detail == Detail::devices) && std::ranges::binary_search(present, number)) {
      read_affinity(sysfs, detail, mode_tells, irq);
    }
  }
}

}  // namespace irqtune
