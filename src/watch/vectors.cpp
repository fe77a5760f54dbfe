// SPDX-License-Identifier: Apache-2.0
#include "watch/vectors.h"

#include "irqtune/core/text.h"
#include "irqtune/sys/generation.h"

#include <fmt/format.h>

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

VectorPoll::Generations VectorPoll::look(const PciAddress& device) const {
  auto generations = read_generations(sysfs_, device);
  if (!generations.empty() || sysfs_.live()) {
    return generations;
  }
  for (const auto& name : sysfs_.list(generation_dir(device))) {  // Of a tree without a record.
    if (const auto number = parse_number<std::uint32_t>(name)) {
      generations.emplace(IrqNumber{*number}, 0);
    }
  }
  return generations;
}

void VectorPoll::watch(const std::vector<PciAddress>& devices) {
  std::map<PciAddress, Generations> known;
  for (const auto& device : devices) {
    const auto before = devices_.find(device);
    known.emplace(device, before != devices_.end() ? before->second : look(device));
  }
  devices_ = std::move(known);
}

std::vector<IrqNumber> VectorPoll::made() {
  std::vector<IrqNumber> made;
  for (auto& [device, known] : devices_) {
    auto now = look(device);
    auto fresh = now;
    std::erase_if(fresh, [&, &before = known](const auto& entry) {
      const auto found = before.find(entry.first);
      return found != before.end() && found->second == entry.second;
    });
    for (const auto& [irq, generation] : fresh) {
      made.push_back(irq);
    }
    known = std::move(now);
  }
  return made;
}

}  // namespace irqtune
