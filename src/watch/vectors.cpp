// SPDX-License-Identifier: Apache-2.0
#include "watch/vectors.h"

#include "irqtune/core/text.h"
#include "irqtune/sys/generation.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace irqtune {

namespace {

/// The vector whose handler interrupt `number` has; on a tree that holds less than sysfs, the
/// handler's directory in /proc tells.
std::optional<VectorId> vector_of(const Sysfs& sysfs, std::uint32_t number) {
  const auto actions = sysfs.read(fmt::format("/sys/kernel/irq/{}/actions", number));
  const auto names = actions.value_or("");
  std::optional<VectorId> vector;
  for (const auto name : split(names, ',')) {
    vector = vector ? vector : parse_vfio_action(trimmed(name));
  }
  for (const auto& name :
       actions ? std::vector<std::string>() : sysfs.list(fmt::format("/proc/irq/{}", number))) {
    vector = vector ? vector : parse_vfio_action(name);
  }
  return vector;
}

std::optional<std::uint64_t> generation_of(const Sysfs& sysfs,
                                           const VectorId& vector,
                                           IrqNumber irq) {
  const bool line = vector.kind == VectorKind::intx;
  const auto known = read_generations(sysfs, line ? std::nullopt : std::optional(vector.device));
  const auto found = known.find(irq);
  return found != known.end() ? std::optional(found->second) : std::nullopt;
}

}  // namespace

std::optional<SeenVector> see_vector(const Sysfs& sysfs, IrqNumber irq) {
  const auto number = static_cast<std::uint32_t>(irq);
  const auto vector = vector_of(sysfs, number);
  const auto mask = sysfs.read(fmt::format("/proc/irq/{}/smp_affinity_list", number));
  if (!vector || !mask) {
    return std::nullopt;
  }
  return SeenVector{*vector, irq, generation_of(sysfs, *vector, irq), CpuSet::parse_list(*mask)};
}

bool has_other_handler(const Sysfs& sysfs, IrqNumber irq) {
  const auto number = static_cast<std::uint32_t>(irq);
  const auto names = sysfs.read(fmt::format("/sys/kernel/irq/{}/actions", number)).value_or("");
  return !trimmed(names).empty() && !vector_of(sysfs, number);
}

VectorPoll::Generations VectorPoll::look(const PciAddress& device, Directory& directory) const {
  const auto path = generation_dir(device);
  std::error_code ignored;
  auto entries = directory.entries(ignored);
  if (entries.empty()) {  // It may have been removed and made anew.
    directory = sysfs_.open_directory(path);
    entries = directory.entries(ignored);
  }
  Generations generations;
  for (const auto& [name, inode] : entries) {
    if (const auto number = parse_number<std::uint32_t>(name)) {
      generations.emplace(IrqNumber{*number}, sysfs_.live() ? inode : 0);
    }
  }
  for (const auto& [irq, recorded] :
       sysfs_.live() ? Generations{} : read_generations(sysfs_, device)) {
    generations[irq] = recorded;
  }
  return generations;
}

void VectorPoll::watch(const std::vector<PciAddress>& devices) {
  std::map<PciAddress, Known> known;
  for (const auto& device : devices) {
    auto before = devices_.extract(device);
    if (before.empty()) {
      auto& made = known[device];
      made.generations = look(device, made.directory);
    } else {
      known.insert(std::move(before));
    }
  }
  devices_ = std::move(known);
}

std::vector<PciAddress> VectorPoll::devices() const {
  std::vector<PciAddress> devices;
  for (const auto& [device, known] : devices_) {
    devices.push_back(device);
  }
  return devices;
}

std::vector<IrqNumber> VectorPoll::made_of(const PciAddress& device, Known& known) const {
  std::vector<IrqNumber> made;
  auto now = look(device, known.directory);
  for (const auto& [irq, generation] : now) {
    const auto before = known.generations.find(irq);
    if (before == known.generations.end() || before->second != generation) {
      made.push_back(irq);
    }
  }
  known.generations = std::move(now);
  return made;
}

std::vector<IrqNumber> VectorPoll::made() {
  std::vector<IrqNumber> made;
  for (auto& [device, known] : devices_) {
    std::ranges::copy(made_of(device, known), std::back_inserter(made));
  }
  return made;
}

}  // namespace irqtune
