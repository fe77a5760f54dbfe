// SPDX-License-Identifier: Apache-2.0
// A whole host with some files changed: the input decides which, and how. Then everything that a
// command would do with it.
#include "irqtune/apply/plan_file.h"
#include "irqtune/diagnose/diagnose.h"
#include "irqtune/plan/explain.h"
#include "irqtune/plan/planner.h"
#include "irqtune/read/read.h"
#include "irqtune/read/settings/settings.h"
#include "irqtune/snapshot/snapshot.h"

#include "support/hosts/host_json.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fuzzer/FuzzedDataProvider.h>

#include "fuzz/base_tree.h"
#include "fuzz/fuzz.h"

namespace {

using namespace irqtune;
using fuzz::require;

constexpr std::size_t kMostChanges = 24;
constexpr std::size_t kLongestFile = std::size_t{64} << 10;

/// Numbers at whose edges parsers break.
constexpr std::array<std::string_view, 22> kNumbers = {"0",
                                                       "-1",
                                                       "1",
                                                       "7",
                                                       "8",
                                                       "255",
                                                       "256",
                                                       "1023",
                                                       "4096",
                                                       "65535",
                                                       "65536",
                                                       "1048576",
                                                       "2147483647",
                                                       "2147483648",
                                                       "4294967295",
                                                       "4294967296",
                                                       "9223372036854775807",
                                                       "9223372036854775808",
                                                       "18446744073709551615",
                                                       "18446744073709551616",
                                                       "1e308",
                                                       "0x7fffffff"};

/// Names end at a NUL, in a kernel as in an archive.
std::string without_nul(std::string text) {
  std::erase(text, '\0');
  return text;
}

/// Changes the base tree as the bytes of the input say.
class Changer {
 public:
  Changer(FuzzedDataProvider& input, const TreeItems& base, const std::vector<std::string>& paths)
      : input_(input), items_(base), paths_(paths) {}

  TreeItems run() {
    for (std::size_t i = 0; i < kMostChanges && input_.remaining_bytes() > 0; ++i) {
      change(target());
    }
    return std::move(items_);
  }

 private:
  const std::string& known_path() {
    return paths_[input_.ConsumeIntegralInRange<std::size_t>(0, paths_.size() - 1)];
  }

  /// A path of the base tree, the directory above one, or a new name beside one.
  std::string target() {
    auto path = known_path();
    switch (input_.ConsumeIntegralInRange(0, 9)) {
      case 0:
        path.resize(std::max<std::size_t>(path.rfind('/'), 1));
        return path;
      case 1:
        path.resize(path.rfind('/') + 1);
        return path + without_nul(input_.ConsumeRandomLengthString(24)) + "x";
      default:
        return path;
    }
  }

  void change(const std::string& path) {
    auto& item = items_[path];
    auto& text = item.text;
    switch (input_.ConsumeIntegralInRange(0, 10)) {
      case 0:
        items_.erase(path);
        return;
      case 1:
        text = input_.ConsumeRandomLengthString(512);
        return;
      case 2:
        text.insert(offset(text), input_.ConsumeRandomLengthString(64));
        return;
      case 3:
        replace(text, offset(text), input_.ConsumeRandomLengthString(16));
        return;
      case 4:
        item = items_[known_path()];
        return;
      case 5:
        item.kind = TreeImage::Kind::directory;
        return;
      case 6:
        item = {TreeImage::Kind::symlink, 0777, link_target()};
        return;
      case 7:
        text.resize(offset(text));
        return;
      case 8:
        repeat(text);
        return;
      default:
        put_number(text);
        return;
    }
  }

  std::size_t offset(const std::string& text) {
    return input_.ConsumeIntegralInRange<std::size_t>(0, text.size());
  }

  std::string link_target() {
    return input_.ConsumeBool() ? known_path() : without_nul(input_.ConsumeRandomLengthString(64));
  }

  static void replace(std::string& text, std::size_t at, const std::string& by) {
    text.replace(at, std::min(by.size(), text.size() - at), by);
  }

  void repeat(std::string& text) {
    const auto piece = text.substr(offset(text));
    const auto times = input_.ConsumeIntegralInRange<std::size_t>(1, 1000);
    for (std::size_t i = 0; i < times && text.size() + piece.size() <= kLongestFile; ++i) {
      text += piece;
    }
  }

  /// Puts an odd number in the place of the one behind a random offset.
  void put_number(std::string& text) {
    const auto first = text.find_first_of("0123456789", offset(text));
    if (first == std::string::npos) {
      return;
    }
    const auto end = std::min(text.find_first_not_of("0123456789", first), text.size());
    const auto which = input_.ConsumeIntegralInRange<std::size_t>(0, kNumbers.size() - 1);
    text.replace(first, end - first, kNumbers.at(which));
  }

  FuzzedDataProvider& input_;
  TreeItems items_;
  const std::vector<std::string>& paths_;
};

Policy policy_from(FuzzedDataProvider& input) {
  Policy policy;
  policy.scope = input.PickValueInArray({Scope::passthrough, Scope::evict, Scope::all});
  policy.policy = input.PickValueInArray({VmPolicy::avoid, VmPolicy::colocate});
  policy.protection.siblings = input.ConsumeBool();
  policy.protection.include_defined = input.ConsumeBool();
  policy.rebalance = input.ConsumeBool();
  policy.default_affinity = input.ConsumeBool();
  if (input.ConsumeBool()) {
    policy.max_vectors_per_cpu = 1;
  }
  return policy;
}

void check_shown(const std::string& text) {
  require(fuzz::is_plain(text), "what is printed can be shown", text);
}

void show(const Host& host, const Policy& policy) {
  const auto map = protections(host, policy.protection);
  for (const auto section :
       {Section::topology, Section::devices, Section::irqs, Section::vms, Section::all}) {
    check_shown(host_text(host, map, section, {}));
    check_shown(test::host_json(host, map, section));
  }
}

void explain(const Host& host, const Policy& policy) {
  constexpr std::size_t kMost = 4;
  for (std::size_t i = 0; i < std::min(host.irqs.size(), kMost); ++i) {
    if (const auto why = explain_vector(host, policy, host.irqs[i].number)) {
      check_shown(explain_text(*why, {}));
      check_shown(explain_json(*why, host.id, {}));
    }
  }
  for (std::size_t i = 0; i < std::min(host.devices.size(), kMost); ++i) {
    if (const auto why = explain_device(host, policy, host.devices[i].address)) {
      check_shown(explain_text(*why, {}));
    }
  }
  for (std::size_t i = 0; i < std::min(host.topology.cpus.size(), kMost); ++i) {
    if (const auto why = explain_cpu(host, policy, host.topology.cpus[i].number)) {
      check_shown(explain_text(*why, {}));
    }
  }
}

void plan(const Host& host, const Policy& policy) {
  const auto plan = make_plan(host, policy);
  for (const auto& assignment : plan.assignments) {
    require(!assignment.change || !assignment.to.empty(), "a vector that moves goes somewhere");
    require(host.topology.online.contains_all(assignment.to) || !assignment.change,
            "a vector goes to online CPUs",
            assignment.to.to_list());
    require(policy.policy == VmPolicy::colocate || !assignment.change ||
                !assignment.to.intersects(plan.protected_cpus),
            "a vector goes to no protected CPU",
            assignment.to.to_list());
  }
  check_shown(plan_text(plan, host, {}));
  check_shown(plan_script(plan));
  const auto json = plan_json(plan);
  check_shown(json);
  require(plan_json(parse_plan(json, "PLAN")).size() > 0, "a plan can be read again", json);
  static_cast<void>(score(host, plan, Moment::after));
  require(plan_digest(make_plan(host, policy)) == plan_digest(plan),
          "a plan is the same each time");
}

void find(const Sysfs& sysfs, const Host& host, const Policy& policy) {
  const auto plan = make_plan(host, policy);
  const auto settings = read_settings(sysfs, host);
  Diagnosis diagnosis;
  diagnosis.host = host.id;
  diagnosis.findings = diagnose({host, plan.protections, plan, settings});
  diagnosis.looked_at = "a tree";
  check_shown(diagnosis_text(diagnosis, {}));
  check_shown(diagnosis_json(diagnosis));
}

void copy(const Sysfs& sysfs) {
  std::vector<std::string> warnings;
  SnapshotOptions options;
  options.anonymize = true;
  static_cast<void>(collect_snapshot(sysfs, options, warnings));
}

std::vector<std::string> paths_of(const TreeItems& items) {
  std::vector<std::string> paths;
  for (const auto& [path, item] : items) {
    paths.push_back(path);
  }
  return paths;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto base = fuzz::base_tree();
  static const auto paths = paths_of(base);
  FuzzedDataProvider input(data, size);
  const auto policy = policy_from(input);
  const fuzz::MemoryFile archive(fuzz::tar_of(Changer(input, base, paths).run()));
  const Sysfs sysfs(archive.path());
  ReadOptions options;
  options.detail = policy.scope == Scope::passthrough ? Detail::passthrough : Detail::devices;
  const auto host = read_host(sysfs, options);
  show(host, policy);
  explain(host, policy);
  plan(host, policy);
  find(sysfs, host, policy);
  copy(sysfs);
  return 0;
}
