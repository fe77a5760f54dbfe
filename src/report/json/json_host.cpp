// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/delivery.h"
#include "irqtune/core/handler_threads.h"
#include "irqtune/report/report.h"

#include "report/json/json_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

namespace irqtune {

namespace {

Json protection_json(const Protection& protection, std::optional<int> vcpu) {
  Json out{{"kind", protection_text(protection.kind)},
           {"vm", protection.vm.empty() ? Json() : Json(protection.vm)},
           {"vcpu", or_null(vcpu)},
           {"source", protection.source}};
  if (protection.of) {
    out["of"] = *protection.of;
  }
  return out;
}

Json protections_json(const ProtectionMap& protections, int cpu) {
  auto reasons = Json::array();
  const auto found = protections.find(cpu);
  if (found == protections.end()) {
    return reasons;
  }
  for (const auto& protection : found->second) {
    for (const int vcpu : protection.vcpus.cpus()) {
      reasons.push_back(protection_json(protection, vcpu));
    }
    if (protection.vcpus.empty()) {
      reasons.push_back(protection_json(protection, std::nullopt));
    }
  }
  return reasons;
}

Json cpus_json(const Host& host, const ProtectionMap& protections) {
  auto list = Json::array();
  for (const auto& cpu : host.topology.cpus) {
    list.push_back({{"id", cpu.number},
                    {"online", cpu.online},
                    {"package", or_null(cpu.package)},
                    {"die", or_null(cpu.die)},
                    {"core", or_null(cpu.core)},
                    {"node", node_or_null(cpu.node)},
                    {"llc", or_null(cpu.llc)},
                    {"kind", cpu.kind ? Json(cpu_kind_text(*cpu.kind)) : Json()},
                    {"capacity", or_null(cpu.capacity)},
                    {"siblings", cpu.siblings.empty() ? Json() : Json(cpu.siblings.to_list())},
                    {"protected_by", protections_json(protections, cpu.number)}});
  }
  return list;
}

Json nodes_json(const Topology& topology) {
  auto list = Json::array();
  for (const auto& node : topology.nodes) {
    auto distances = Json::object();
    for (std::size_t i = 0; i < node.distances.size(); ++i) {
      const auto to = static_cast<std::uint32_t>(topology.nodes[i].id);
      distances[std::to_string(to)] = node.distances[i];
    }
    list.push_back({{"id", static_cast<std::uint32_t>(node.id)},
                    {"cpus", node.cpus.to_list()},
                    {"distances", std::move(distances)}});
  }
  return list;
}

std::string_view node_source_text(NodeSource source) {
  switch (source) {
    case NodeSource::numa_node:
      return "numa_node";
    case NodeSource::parent:
      return "parent";
    case NodeSource::assumed:
      return "override";
    case NodeSource::unknown:
      break;
  }
  return "unknown";
}

Json hex_or_null(const std::optional<std::uint32_t>& value, int digits) {
  return value ? Json(fmt::format("0x{:0{}x}", *value, digits)) : Json();
}

/// The processes that hold a device and are no VMs.
Json users_json(const Host& host, const PciAddress& address) {
  auto list = Json::array();
  for (const auto& user : host.vfio_users) {
    if (std::ranges::find(user.devices, address) != user.devices.end()) {
      list.push_back({{"pid", user.pid}, {"comm", user.comm}});
    }
  }
  return list;
}

Json devices_json(const Host& host, const ProtectionMap& protections) {
  auto vectors = vector_counts(host);
  auto list = Json::array();
  for (const auto& device : host.devices) {
    const auto* owner = find_owner(host, device.address);
    const auto tally = tally_of(host, device.address, protections);
    list.push_back({{"address", device.address.to_string()},
                    {"class", hex_or_null(device.class_code, 6)},
                    {"vendor", hex_or_null(device.vendor, 4)},
                    {"device", hex_or_null(device.device, 4)},
                    {"name", device.name.empty() ? Json() : Json(device.name)},
                    {"driver", device.driver.empty() ? Json() : Json(device.driver)},
                    {"passthrough", device.passthrough},
                    {"node", node_or_null(device.node)},
                    {"node_source", node_source_text(device.node_source)},
                    {"iommu_group", or_null(device.iommu_group)},
                    {"physfn", address_or_null(device.physfn)},
                    {"vm", owner == nullptr ? Json() : Json(owner->name)},
                    {"vectors", vectors[device.address]},
                    {"collisions", device.passthrough ? Json(tally.collisions) : Json()},
                    {"unknown", device.passthrough ? Json(tally.unknown) : Json()},
                    {"users", users_json(host, device.address)}});
  }
  return list;
}

Json counters_json(const Host& host) {
  auto list = Json::array();
  for (const auto& row : host.counters) {
    list.push_back(
        {{"label", row.label}, {"text", row.text}, {"total", row.total}, {"columns", row.columns}});
  }
  return list;
}

Json vm_json(const Host& host, const ProtectionMap& protections, const Vm& vm) {
  auto vcpus = Json::array();
  for (const auto& vcpu : vm.vcpus) {
    vcpus.push_back({{"id", vcpu.id},
                     {"cpus", list_or_null(vcpu.cpus)},
                     {"pinned", vcpu.pinned},
                     {"dedicated", vcpu.dedicated},
                     {"tid", or_null(vcpu.tid)},
                     {"source", vcpu.source}});
  }
  auto iothreads = Json::array();
  for (const auto& thread : vm.iothreads) {
    iothreads.push_back({{"id", thread.id}, {"cpus", list_or_null(thread.cpus)}});
  }
  auto devices = Json::array();
  Tally tally;
  for (const auto& address : vm.devices) {
    devices.push_back(address.to_string());
    tally.add(tally_of(host, address, protections));
  }
  auto handlers = Json::array();
  for (const auto& thread : vm.threads) {
    if (irq_of_thread(thread.name)) {
      handlers.push_back(
          {{"name", thread.name}, {"tid", thread.tid}, {"cpus", list_or_null(thread.cpus)}});
    }
  }
  return {{"name", vm.name},
          {"uuid", vm.uuid.empty() ? Json() : Json(vm.uuid)},
          {"state", state_text(vm.state)},
          {"pid", or_null(vm.pid)},
          {"sources", vm.sources},
          {"vcpus", std::move(vcpus)},
          {"emulator", list_or_null(vm.emulator)},
          {"iothreads", std::move(iothreads)},
          {"handlers", std::move(handlers)},
          {"devices", std::move(devices)},
          {"collisions", tally.collisions},
          {"unknown", tally.unknown},
          {"uid", or_null(vm.uid)},
          {"unvouched", vm.unvouched},
          {"unsure_vcpus", vm.unsure_vcpus.to_list()}};
}

Json vms_json(const Host& host, const ProtectionMap& protections) {
  auto list = Json::array();
  for (const auto& vm : host.vms) {
    list.push_back(vm_json(host, protections, vm));
  }
  return list;
}

std::string_view source_text(RateSource source) {
  return source == RateSource::sampled ? "sampled" : "since_boot";
}

}  // namespace

Json list_or_null(const std::optional<CpuSet>& cpus) {
  return cpus ? Json(cpus->to_list()) : Json();
}

Json node_or_null(const std::optional<NodeId>& node) {
  return node ? Json(static_cast<std::uint32_t>(*node)) : Json();
}

Json vector_or_null(const std::optional<VectorId>& vector) {
  if (!vector) {
    return {};
  }
  return {{"device", vector->device.to_string()},
          {"kind", kind_text(vector->kind)},
          {"index", vector->index}};
}

Json address_or_null(const std::optional<PciAddress>& address) {
  return address ? Json(address->to_string()) : Json();
}

Json rate_or_null(const std::optional<double>& rate) {
  constexpr double kStep = 1000;
  return rate ? Json(std::round(*rate * kStep) / kStep) : Json();
}

std::string_view posted_text(Posted posted) noexcept {
  switch (posted) {
    case Posted::posted:
      return "posted";
    case Posted::remapped:
      return "remapped";
    case Posted::possible:
      return "possible";
    case Posted::unknown:
      break;
  }
  return "unknown";
}

Json posted_or_null(const std::optional<Posted>& posted) {
  return posted ? Json(posted_text(*posted)) : Json();
}

Json host_id_json(const HostId& id) {
  return {{"hostname", or_null(id.hostname)},
          {"kernel", or_null(id.kernel)},
          {"boot_id", or_null(id.boot_id)},
          {"cmdline", or_null(id.cmdline)}};
}

void print_host_json(std::ostream& out,
                     const Host& host,
                     const ProtectionMap& protections,
                     Section section) {
  const auto wants = [&](Section one) { return section == one || section == Section::all; };
  Json document{{"schema", "irqtune.host/1"}, {"host", host_id_json(host.id)}};
  if (host.rate_source != RateSource::none) {
    document["rates"] = {{"source", source_text(host.rate_source)},
                         {"seconds", rate_or_null(host.sample_seconds)}};
  }
  if (wants(Section::topology)) {
    document["cpus"] = cpus_json(host, protections);
    document["nodes"] = nodes_json(host.topology);
    document["default_set"] = {{"cpus", host.default_set.cpus.to_list()},
                               {"sources", host.default_set.sources}};
  }
  if (wants(Section::devices)) {
    document["devices"] = devices_json(host, protections);
  }
  if (wants(Section::irqs)) {
    document["irqs"] = Json::array();
    document["counters"] = counters_json(host);
  }
  if (wants(Section::vms)) {
    document["vms"] = vms_json(host, protections);
  }
  document["warnings"] = host.warnings;
  print_document(out, document, {{"irqs", [&](JsonRows& rows) { add_irqs(rows, host); }}});
}

}  // namespace irqtune
