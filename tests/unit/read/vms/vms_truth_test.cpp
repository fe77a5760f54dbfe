// SPDX-License-Identifier: Apache-2.0
// Random domains and command lines against what libvirt and QEMU themselves made of them, recorded
// once by tests/truth/record_*.py.
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <set>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

std::vector<Json> rows_of(const std::string& name) {
  std::ifstream file(source_dir() / "tests/truth" / name);
  std::vector<Json> rows;
  for (std::string line; std::getline(file, line);) {
    rows.push_back(Json::parse(line));
  }
  return rows;
}

/// Pins of the ids below `limit`: libvirt forgets those of vCPUs that the domain has not.
Json pins_below(const std::map<int, CpuSet>& pins, int limit) {
  Json text = Json::object();
  for (const auto& [id, cpus] : pins) {
    if (id < limit) {
      text[std::to_string(id)] = cpus.to_list();
    }
  }
  return text;
}

Json list_or_null(const std::optional<CpuSet>& cpus) {
  return cpus ? Json(cpus->to_list()) : Json();
}

Json devices_of(const LibvirtDomain& domain) {
  std::set<std::string> devices;
  for (const auto* list : {&domain.hostdevs,
                           &domain.interface_hostdevs,
                           &domain.nvme_disks,
                           &domain.command_devices}) {
    for (const auto& address : *list) {
      devices.insert(address.to_string());
    }
  }
  return devices;
}

/// As record_libvirt.py writes what libvirt made of it.
Json row_of(const LibvirtDomain& domain) {
  return {{"name", domain.name},
          {"vcpus", domain.vcpus},
          {"current",
           domain.enabled.empty() ? domain.current.value_or(domain.vcpus)
                                  : static_cast<int>(domain.enabled.size())},
          {"cpuset", list_or_null(domain.cpuset)},
          {"vcpupin", pins_below(domain.vcpupin, domain.vcpus)},
          {"emulatorpin", list_or_null(domain.emulatorpin)},
          {"iothreads", domain.iothread_ids},
          {"iothreadpin", pins_below(domain.iothreadpin, 1 << 14)},
          {"devices", devices_of(domain)}};
}

void compare_domain(const Json& row) {
  INFO(row.at("xml").get<std::string>());
  const auto read = parse_libvirt_domain(row.at("xml").get<std::string>(), "d.xml");
  const bool has_entities = row.at("xml").get<std::string>().find("<!ENTITY") != std::string::npos;
  if (row.contains("refused") || has_entities) {  // Entities are refused aloud.
    CHECK_FALSE(read.warnings.empty());
    return;
  }
  CHECK(read.warnings == std::vector<std::string>{});
  if (!read.domain) {
    return;  // A warning has failed above.
  }
  const auto ours = row_of(*read.domain);
  for (const auto& [key, value] : ours.items()) {
    CHECK(key + ": " + value.dump() == key + ": " + row.at(key).dump());
  }
}

void compare_command(const Json& row) {
  std::string text = "qemu-system-x86_64";
  for (const auto& word : row.at("words")) {
    text += '\0' + word.get<std::string>();
  }
  INFO(row.dump());
  const auto command = parse_vmm_command(text + '\0');
  if (row.contains("refused")) {
    return;
  }
  CHECK((command.probe || command.vcpus == row.at("vcpus").get<int>()));
  CHECK(command.probe == (row.at("vcpus").get<int>() == 0));
  CHECK(command.name == row.at("name").get<std::string>());
  auto iothreads = command.iothreads;
  std::ranges::sort(iothreads);
  CHECK(iothreads == row.at("iothreads").get<std::vector<std::string>>());
  CHECK(command.uuid == row.at("uuid").get<std::string>());
}

}  // namespace

TEST_CASE("A random domain is what libvirt makes of it", "[vms][truth]") {
  const auto rows = rows_of("libvirt.jsonl");
  CHECK(rows.size() >= 200);
  for (const auto& row : rows) {
    compare_domain(row);
  }
}

TEST_CASE("A random command line is what QEMU makes of it", "[vms][truth]") {
  const auto rows = rows_of("qemu.jsonl");
  CHECK(rows.size() >= 200);
  for (const auto& row : rows) {
    compare_command(row);
  }
}

}  // namespace irqtune::test
