// SPDX-License-Identifier: Apache-2.0
// All documents of one host side by side: collisions, unknown and places agree.
#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace irqtune::test {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Numbers = std::set<unsigned>;

Json document(const CapturedHost& host, Arguments arguments) {
  arguments.push_back("--json");
  return Json::parse(on(host, arguments).out);
}

/// Kernels without CONFIG_GENERIC_IRQ_EFFECTIVE_AFF_MASK, and those before 4.15, have no such file.
void remove_effective(const CapturedHost& host) {
  for (const auto& entry : fs::directory_iterator(host.root() / "proc/irq")) {
    if (entry.is_directory()) {
      fs::remove(entry.path() / "effective_affinity_list");
      fs::remove(entry.path() / "effective_affinity");
    }
  }
}

/// Those of the plan's vectors with that standing.
Numbers standing(const Json& plan, const char* what) {
  Numbers irqs;
  for (const auto& assignment : plan["assignments"]) {
    if (assignment["standing"] == what) {
      irqs.insert(assignment["irq"].get<unsigned>());
    }
  }
  return irqs;
}

/// "name" or "address" -> collisions and unknown.
using Counts = std::map<std::string, std::pair<unsigned, unsigned>>;

Counts counts(const Json& list, const char* key) {
  Counts all;
  for (const auto& one : list) {
    const bool counted = one["collisions"].is_number() && one["unknown"].is_number();
    const auto some = counted && (one["collisions"] > 0 || one["unknown"] > 0);
    if (some) {
      all[one[key]] = {one["collisions"].get<unsigned>(), one["unknown"].get<unsigned>()};
    }
  }
  return all;
}

Numbers diagnosed(const Json& diagnosis) {
  Numbers irqs;
  for (const auto& finding : diagnosis["findings"]) {
    if (finding["id"] == "vector-on-vcpu" || finding["id"] == "vector-on-vcpu-sibling") {
      irqs.insert(finding["irqs"].begin(), finding["irqs"].end());
    }
  }
  return irqs;
}

void check_show(const Json& show, const Json& plan) {
  std::map<unsigned, Json> irqs;
  for (const auto& irq : show["irqs"]) {
    irqs[irq["irq"].get<unsigned>()] = irq;
  }
  for (const auto& assignment : plan["assignments"]) {
    const auto& irq = irqs[assignment["irq"].get<unsigned>()];
    INFO(assignment.dump());
    CHECK(irq["vector"] == assignment["vector"]);
    CHECK(irq["affinity"] == assignment["from"]);
    CHECK(irq["effective"] == assignment["from_effective"]);
    CHECK(irq["rate"] == assignment["rate"]);
  }
}

/// What a dry run would write is what the plan says.
void check_dry_run(const Json& dry, const Json& plan) {
  std::map<unsigned, std::string> would;
  for (const auto& result : dry["results"]) {
    would[result["irq"].get<unsigned>()] = result["to"].get<std::string>();
  }
  std::map<unsigned, std::string> planned;
  for (const auto& assignment : plan["assignments"]) {
    if (assignment["change"] == true) {
      planned[assignment["irq"].get<unsigned>()] = assignment["to"].get<std::string>();
    }
  }
  CHECK(would == planned);
}

/// Every collision and every unknown place that a plan would change is named, and as planned.
void check_check(const Json& check, const Json& plan) {
  std::map<unsigned, std::string> drift;
  for (const auto& entry : check["drift"]) {
    drift[entry["irq"].get<unsigned>()] = entry["expected"].get<std::string>();
  }
  for (const auto& assignment : plan["assignments"]) {
    const bool bad = assignment["standing"] == "collision" || assignment["standing"] == "unknown";
    if (bad && assignment["change"] == true) {
      INFO(assignment.dump());
      CHECK(drift[assignment["irq"].get<unsigned>()] == assignment["to"]);
    }
  }
}

void check_explain(const CapturedHost& host, const Json& plan) {
  constexpr std::size_t kAsked = 6;
  std::size_t asked = 0;
  for (const auto& assignment : plan["assignments"]) {
    if (asked++ < kAsked) {
      const auto explained = document(host, {"explain", assignment["irq"].dump()});
      CHECK(explained["vector"]["assignment"] == assignment);
    }
  }
}

}  // namespace

TEST_CASE("one host, one truth in all documents", "[cli][truth]") {
  const auto name = GENERATE(from_range(captures()));
  const auto effective = GENERATE(true, false);
  CAPTURE(name, effective);
  const CapturedHost host(name);
  if (!effective) {
    remove_effective(host);
  }
  const auto plan = document(host, {"plan"});
  const auto show = document(host, {"show"});
  const auto check = document(host, {"check"});
  const auto collisions = standing(plan, "collision");
  const auto unknown = standing(plan, "unknown");
  const auto& score = plan["score"]["before"];
  CHECK(score["collisions"] == collisions.size());
  CHECK(score["unknown"] == unknown.size());
  CHECK(check["collisions"] == collisions.size());
  CHECK(check["unknown"] == unknown.size());
  CHECK(counts(check["devices"], "address") == counts(show["devices"], "address"));
  CHECK(counts(check["vms"], "name") == counts(show["vms"], "name"));
  CHECK(diagnosed(document(host, {"diagnose"})) == collisions);
  check_show(show, plan);
  check_check(check, plan);
  check_dry_run(document(host, {"apply", "--dry-run"}), plan);
  check_explain(host, plan);
}

}  // namespace irqtune::test
