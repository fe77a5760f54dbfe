// SPDX-License-Identifier: Apache-2.0
#include "apply/identity.h"

#include "irqtune/core/text.h"
#include "irqtune/sys/generation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

namespace {

constexpr std::size_t kLargestTable = std::size_t{256} << 20;  // 1152 CPUs x 1034 rows are 13 MB.
constexpr std::uint64_t kIndexBits = 0x7ff;

std::string irq_dir(std::string_view base, IrqNumber irq) {
  return fmt::format("{}/{}", base, static_cast<std::uint32_t>(irq));
}

std::string device_path(const PciAddress& device, std::string_view name) {
  return fmt::format("/sys/bus/pci/devices/{}/{}", device.to_string(), name);
}

/// Handler names joined as /sys/kernel/irq/N/actions does, whatever the blanks: /proc/interrupts
/// puts one behind each comma, and a name itself may hold ", ".
std::string joined(std::string_view names) {
  std::string text(trimmed(names));
  for (auto at = text.find(", "); at != std::string::npos; at = text.find(", ", at)) {
    text.erase(at + 1, 1);
  }
  return text;
}

std::string wanted_names(const Identity& identity) {
  return identity.vector ? vfio_action_text(*identity.vector)
                         : joined(fmt::format("{}", fmt::join(identity.actions, ",")));
}

bool names_agree(std::string_view found, const Identity& identity) {
  const auto names = joined(found);
  const auto wanted = wanted_names(identity);
  if (!identity.vector) {
    return names == wanted;
  }
  const auto parts = split(names, ',');
  return std::ranges::any_of(parts, [&](auto part) { return trimmed(part) == wanted; });
}

/// Still passed through; its host driver's vectors have the same kind and index.
bool is_passed_through(const Sysfs& sysfs, const PciAddress& device) {
  return sysfs.exists(device_path(device, "vfio-dev")) ||
         sysfs.link_name(device_path(device, "driver")).value_or("").find("vfio") !=
             std::string::npos;
}

/// Between free_irq and request_irq: no handler, but the descriptor is still bound to its entry of
/// the device's table. Source: Linux drivers/pci/msi/irqdomain.c, pci_msi_domain_calc_hwirq().
/// The directory in /proc/irq comes with the first handler: without it the descriptor is a new one.
/// Source: Linux kernel/irq/manage.c, __setup_irq().
bool hwirq_agrees(const Sysfs& sysfs, const VectorId& vector, IrqNumber irq) {
  if (!is_passed_through(sysfs, vector.device) || !sysfs.exists(irq_dir("/proc/irq", irq))) {
    return false;
  }
  const auto dir = irq_dir("/sys/kernel/irq", irq);
  const auto hwirq = parse_number<std::uint64_t>(sysfs.read(dir + "/hwirq").value_or(""));
  const bool listed = sysfs.exists(irq_dir(device_path(vector.device, "msi_irqs"), irq));
  if (!hwirq || !listed || vector.kind == VectorKind::intx) {
    return false;
  }
  const auto chip = sysfs.read(dir + "/chip_name").value_or("");
  const bool own_domain = chip.find(vector.device.to_string()) != std::string::npos;
  return (own_domain ? *hwirq : *hwirq & kIndexBits) == vector.index;
}

/// The row of an interrupt ends in the handler names.
bool ends_in(std::string_view row, std::string_view names) {
  const auto at = row.rfind(names);
  const auto end = at == std::string_view::npos ? at : at + names.size();
  return at != std::string_view::npos && at > 0 && row[at - 1] == ' ' &&
         (end == row.size() || row[end] == ',' || row[end] == ' ');
}

/// Numbers of the rows of /proc/interrupts that end in the handler names.
std::vector<IrqNumber> numbers_in_table(const Sysfs& sysfs, const Identity& identity) {
  const auto file = sysfs.read_file("/proc/interrupts", kLargestTable);
  const auto wanted = identity.vector ? vfio_action_text(*identity.vector)
                                      : fmt::format("{}", fmt::join(identity.actions, ", "));
  std::vector<IrqNumber> numbers;
  for (const auto line : split(file.text ? std::string_view(*file.text) : "", '\n')) {
    auto rest = line;
    auto label = take_word(rest);
    label.remove_suffix(label.ends_with(':') ? 1 : 0);
    const auto number = ends_in(rest, wanted) ? parse_number<std::uint32_t>(label) : std::nullopt;
    if (number) {
      numbers.push_back(IrqNumber{*number});
    }
  }
  return numbers;
}

bool row_agrees(const Sysfs& sysfs, const Identity& identity, IrqNumber irq) {
  return std::ranges::count(numbers_in_table(sysfs, identity), irq) > 0;
}

/// Without /sys/kernel/irq: a tree that holds less than a host.
bool partial_tree_agrees(const Sysfs& sysfs, const Identity& identity, IrqNumber irq) {
  const auto dir = irq_dir("/proc/irq", irq);
  const auto has = [&](const std::string& name) {
    return name.find('/') == std::string::npos && !name.empty() && sysfs.exists(dir + "/" + name);
  };
  const bool named = identity.vector
                         ? has(vfio_action_text(*identity.vector))
                         : !identity.actions.empty() && std::ranges::all_of(identity.actions, has);
  return named || row_agrees(sysfs, identity, irq);
}

/// Numbers that the device has now.
std::vector<IrqNumber> numbers_of(const Sysfs& sysfs, const PciAddress& device) {
  auto names = sysfs.list(device_path(device, "msi_irqs"));
  names.push_back(sysfs.read(device_path(device, "irq")).value_or(""));
  std::vector<IrqNumber> numbers;
  for (const auto& name : names) {
    if (const auto number = parse_number<std::uint32_t>(name)) {
      numbers.push_back(IrqNumber{*number});
    }
  }
  return numbers;
}

/// The same for a host device whose driver gave its handler back, as a network interface that is
/// down does: the interrupt, and its mask, stay. Which of the device's it is, only its number
/// tells.
bool waits_for_handler(const Sysfs& sysfs, const Identity& identity, IrqNumber irq) {
  return irq == identity.irq && identity.device && sysfs.exists(irq_dir("/proc/irq", irq)) &&
         std::ranges::count(numbers_of(sysfs, *identity.device), irq) > 0;
}

bool names_still(const Sysfs& sysfs, const Identity& identity, IrqNumber irq) {
  if (!sysfs.exists("/sys/kernel/irq")) {
    return partial_tree_agrees(sysfs, identity, irq);
  }
  const auto names = sysfs.read(irq_dir("/sys/kernel/irq", irq) + "/actions");
  if (!names) {
    return false;
  }
  if (trimmed(*names).empty()) {
    return identity.vector ? hwirq_agrees(sysfs, *identity.vector, irq)
                           : waits_for_handler(sysfs, identity, irq);
  }
  return names_agree(*names, identity);
}

/// A device without msi_irqs/ has one interrupt, of that number. Handlers of several devices may
/// have one name, and the kernel gives the numbers of a device that was unplugged to the next one.
bool line_still(const Sysfs& sysfs, const PciAddress& device, IrqNumber irq) {
  if (!sysfs.exists("/sys/bus/pci/devices")) {
    return true;  // A tree that holds less than a host.
  }
  const auto number =
      parse_number<std::uint32_t>(sysfs.read(device_path(device, "irq")).value_or(""));
  return sysfs.exists(device_path(device, "")) && (!number || IrqNumber{*number} == irq);
}

/// msi_irqs/ of the device, if there is such a directory, lists the number (as that kind).
bool device_still(const Sysfs& sysfs, const Identity& identity, IrqNumber irq) {
  const auto device = identity.vector ? std::optional(identity.vector->device) : identity.device;
  const bool intx = identity.vector && identity.vector->kind == VectorKind::intx;
  if (intx || !device) {
    return true;
  }
  if (!sysfs.exists(device_path(*device, "msi_irqs"))) {
    return identity.vector || line_still(sysfs, *device, irq);
  }
  const auto kind = sysfs.read(irq_dir(device_path(*device, "msi_irqs"), irq));
  return kind && (!identity.vector || trimmed(*kind) == kind_text(identity.vector->kind));
}

}  // namespace

bool is_still(const Sysfs& sysfs, const Identity& identity, IrqNumber irq) {
  return device_still(sysfs, identity, irq) && names_still(sysfs, identity, irq);
}

bool is_of_device(const Sysfs& sysfs, const Identity& identity, IrqNumber irq) {
  return device_still(sysfs, identity, irq) && sysfs.exists(irq_dir("/proc/irq", irq));
}

std::optional<std::uint64_t> generation_of(const Sysfs& sysfs,
                                           const Identity& identity,
                                           IrqNumber irq) {
  const bool intx = identity.vector && identity.vector->kind == VectorKind::intx;
  const auto device = identity.vector ? std::optional(identity.vector->device) : identity.device;
  for (const auto& dir : {intx ? std::nullopt : device, std::optional<PciAddress>()}) {
    const auto generations = read_generations(sysfs, dir);
    if (const auto found = generations.find(irq); found != generations.end()) {
      return found->second;
    }
  }
  return std::nullopt;
}

bool is_remade(const Sysfs& sysfs, const Identity& identity, IrqNumber irq) {
  if (!identity.generation) {
    return false;
  }
  const auto now = generation_of(sysfs, identity, irq);
  return now && *now != *identity.generation;
}

std::optional<IrqNumber> locate(const Sysfs& sysfs, const Identity& identity) {
  if (is_still(sysfs, identity, identity.irq)) {
    return identity.irq;
  }
  const auto device = identity.vector ? std::optional(identity.vector->device) : identity.device;
  if (!device) {
    return std::nullopt;
  }
  auto numbers = numbers_of(sysfs, *device);
  if (!sysfs.exists("/sys/kernel/irq")) {
    std::ranges::copy(numbers_in_table(sysfs, identity), std::back_inserter(numbers));
    std::ranges::sort(numbers);
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  }
  std::vector<IrqNumber> found;
  for (const auto number : numbers) {
    if (is_still(sysfs, identity, number)) {
      found.push_back(number);
    }
  }
  // A host device may give all of its vectors one name: then none of them is "the" one.
  return found.size() == 1 ? std::optional(found.front()) : std::nullopt;
}

}  // namespace irqtune
