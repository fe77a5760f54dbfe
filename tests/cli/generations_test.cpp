// SPDX-License-Identifier: Apache-2.0
// What the commands say of vectors that the kernel made anew, under the same number and name.
#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace irqtune::test {

namespace {

using Catch::Contains;
using Json = nlohmann::json;

/// IRQ number and device of each vector that is planned.
std::vector<std::pair<std::uint32_t, std::string>> vectors_of(const FakeTree& host) {
  std::vector<std::pair<std::uint32_t, std::string>> vectors;
  const auto document = Json::parse(on(host, {"plan", "--json"}).out);
  for (const auto& assignment : document["assignments"]) {
    vectors.emplace_back(assignment["irq"], assignment["vector"]["device"]);
  }
  return vectors;
}

/// Records a generation for each vector; those of `remade` (all if empty) get another one, and the
/// mask that the kernel gives a new vector.
void record(FakeTree& host,
            const std::vector<std::pair<std::uint32_t, std::string>>& vectors,
            int round,
            const std::string& remade = {}) {
  std::string text;
  for (const auto& [irq, device] : vectors) {
    const bool anew = round > 0 && (remade.empty() || device == remade);
    text += fmt::format(
        "/sys/bus/pci/devices/{}/msi_irqs/{} {}\n", device, irq, 29000 + irq + (anew ? 1000U : 0U));
    text += fmt::format("/sys/kernel/irq/{} {}\n", irq, 19000 + irq + (anew ? 1000U : 0U));
    if (anew) {
      host.file(fmt::format("/proc/irq/{}/smp_affinity_list", irq), "0-15\n");
    }
  }
  host.file(Sysfs::kInodes, text);
}

}  // namespace

TEST_CASE("generations: after a guest's reboot nothing is left to undo", "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto vectors = vectors_of(host);
  record(host, vectors, 0);
  REQUIRE(on(host, {"apply"}).code == 0);
  REQUIRE(on(host, {"check"}).code == 0);
  record(host, vectors, 1);
  const auto before = host.contents();

  const auto check = on(host, {"check"});
  CHECK(check.code == 3);
  CHECK_THAT(check.out, Contains("made anew since"));
  CHECK_THAT(check.out, !Contains("changed since"));

  const auto dry = on(host, {"rollback", "--dry-run"});
  CHECK(dry.code == 0);
  const auto undone = on(host, {"rollback", "--json"});
  CHECK(undone.code == 0);
  const auto report = Json::parse(undone.out);
  CHECK(report["state"] == "rolled_back");
  for (const auto& result : report["results"]) {
    CHECK(result["state"] == "remade");
  }
  CHECK(host.contents() == before);
  const auto history = Json::parse(on(host, {"history", "--json"}).out);
  CHECK(history["applies"][0]["state"] == "rolled_back");
}

TEST_CASE("generations: one guest's reboot leaves the other's masks to roll back", "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto vectors = vectors_of(host);
  const auto first = vectors.front().second;
  record(host, vectors, 0);
  const auto before = host.contents();
  REQUIRE(on(host, {"apply"}).code == 0);
  record(host, vectors, 1, first);
  CHECK(on(host, {"rollback"}).code == 0);
  for (const auto& [irq, device] : vectors) {
    const auto path = fmt::format("proc/irq/{}/smp_affinity_list", irq);
    CHECK(host.contents().at(path) ==
          (device == first ? host.contents().at(path) : before.at(path)));
  }
}

TEST_CASE("generations: a second apply places what was made anew", "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto vectors = vectors_of(host);
  record(host, vectors, 0);
  REQUIRE(on(host, {"apply"}).code == 0);
  record(host, vectors, 1);
  CHECK(on(host, {"apply"}).code == 0);
  CHECK(on(host, {"check"}).code == 0);
  CHECK(on(host, {"rollback", "--all"}).code == 0);
  const auto history = Json::parse(on(host, {"history", "--json"}).out);
  for (const auto& entry : history["applies"]) {
    CHECK(entry["state"] == "rolled_back");
  }
}

}  // namespace irqtune::test
