// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/plan_file.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>

namespace irqtune {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kSchema = "irqtune.plan/1";

/// One value of the document, with the name to blame: "plan.json: assignments[3].to".
class Member {
 public:
  Member(const Json& value, std::string name) : value_(&value), name_(std::move(name)) {}

  [[noreturn]] void refuse(std::string_view what) const {
    throw Error(ErrorKind::usage,
                fmt::format("{}: {}", name_, what),
                "give a plan as `irqtune plan -o FILE` (or `plan --json`) wrote it");
  }

  [[nodiscard]] bool is_null() const { return value_->is_null(); }

  [[nodiscard]] bool has(const char* key) const {
    return value_->is_object() && value_->contains(key) && !(*value_)[key].is_null();
  }

  /// The member `key`; null if it is absent.
  [[nodiscard]] Member at(const char* key) const {
    static const Json kNull;
    if (!value_->is_object()) {
      refuse("is not an object");
    }
    const auto found = value_->find(key);
    return {found != value_->end() ? *found : kNull, fmt::format("{}.{}", name_, key)};
  }

  [[nodiscard]] std::vector<Member> items() const {
    if (!value_->is_array()) {
      refuse("is not a list");
    }
    std::vector<Member> members;
    for (std::size_t i = 0; i < value_->size(); ++i) {
      members.emplace_back((*value_)[i], fmt::format("{}[{}]", name_, i));
    }
    return members;
  }

  [[nodiscard]] std::string text() const {
    if (!value_->is_string()) {
      refuse("is not a text");
    }
    return value_->get<std::string>();
  }

  [[nodiscard]] bool truth() const {
    if (!value_->is_boolean()) {
      refuse("is neither true nor false");
    }
    return value_->get<bool>();
  }

  template <std::integral Number>
  [[nodiscard]] Number number() const {
    const bool fits =
        value_->is_number_unsigned() &&
        std::cmp_less_equal(value_->get<std::uint64_t>(), std::numeric_limits<Number>::max());
    if (!fits) {
      refuse("is not a number in its range");
    }
    return static_cast<Number>(value_->get<std::uint64_t>());
  }

  [[nodiscard]] double real() const {
    if (!value_->is_number()) {
      refuse("is not a number");
    }
    return value_->get<double>();
  }

  [[nodiscard]] CpuSet cpus() const {
    std::string why;
    const auto set = CpuSet::parse_list(text(), &why);
    if (!set) {
      refuse(fmt::format("is not a CPU list: {}", why));
    }
    return *set;
  }

  [[nodiscard]] PciAddress address() const {
    const auto address = PciAddress::parse(text());
    if (!address) {
      refuse("is not a PCI address");
    }
    return *address;
  }

  /// The value that `parse` makes of the text.
  template <typename Parse>
  [[nodiscard]] auto parsed(Parse parse) const {
    const auto value = parse(text());
    if (!value) {
      refuse(fmt::format("'{}' is unknown", printable(text())));
    }
    return *value;
  }

 private:
  const Json* value_;
  std::string name_;
};

/// What `read` makes of the member; empty optional if it is null or absent.
template <typename Read>
auto optional_of(const Member& parent, const char* key, Read read)
    -> std::optional<decltype(read(parent))> {
  return parent.has(key) ? std::optional(read(parent.at(key))) : std::nullopt;
}

CpuSet cpus_of(const Member& member) {
  return member.cpus();
}

std::string text_of(const Member& member) {
  return member.text();
}

double real_of(const Member& member) {
  return member.real();
}

VectorId vector_of(const Member& member) {
  return {member.at("device").address(),
          member.at("kind").parsed(parse_kind),
          member.at("index").number<std::uint16_t>()};
}

std::optional<Locality> parse_locality(std::string_view text) {
  for (const auto locality : {Locality::llc, Locality::node, Locality::remote, Locality::unknown}) {
    if (text == locality_text(locality)) {
      return locality;
    }
  }
  return std::nullopt;
}

std::optional<Blocked> parse_blocked(std::string_view text) {
  for (const auto blocked :
       {Blocked::managed, Blocked::no_candidate, Blocked::budget, Blocked::left}) {
    if (text == blocked_text(blocked)) {
      return blocked;
    }
  }
  return std::nullopt;
}

/// Who the interrupt is.
void read_identity(const Member& member, Assignment& assignment) {
  assignment.irq = IrqNumber{member.at("irq").number<std::uint32_t>()};
  assignment.vector = optional_of(member, "vector", vector_of);
  assignment.device =
      optional_of(member, "device", [](const Member& device) { return device.address(); });
  if (member.has("actions")) {
    for (const auto& action : member.at("actions").items()) {
      assignment.actions.push_back(action.text());
    }
  } else if (member.has("action")) {
    assignment.actions.push_back(member.at("action").text());
  }
  if (!assignment.vector && assignment.actions.empty()) {
    member.refuse("has neither `vector` nor `actions`: nothing to know the interrupt by");
  }
}

Assignment assignment_of(const Member& member) {
  Assignment assignment;
  read_identity(member, assignment);
  assignment.vm = optional_of(member, "vm", text_of).value_or("");
  assignment.role = member.has("role") && member.at("role").text() == role_text(Role::auxiliary)
                        ? Role::auxiliary
                        : Role::primary;
  assignment.rate = optional_of(member, "rate", real_of);
  assignment.from = optional_of(member, "from", cpus_of);
  assignment.from_effective = optional_of(member, "from_effective", cpus_of);
  assignment.delivery.cpus =
      optional_of(member, "at", cpus_of)
          .value_or(assignment.from_effective.value_or(assignment.from.value_or(CpuSet{})));
  assignment.to = optional_of(member, "to", cpus_of).value_or(CpuSet{});
  assignment.change = member.at("change").truth();
  if (assignment.change && assignment.to.empty()) {
    member.at("to").refuse("is empty, but `change` is true");
  }
  if (member.has("locality")) {
    assignment.locality = member.at("locality").parsed(parse_locality);
  }
  assignment.distance =
      optional_of(member, "distance", [](const Member& value) { return value.number<int>(); });
  if (member.has("posted") && member.at("posted").text() == "posted") {
    assignment.posted = Posted::posted;
  }
  assignment.reason = optional_of(member, "reason", text_of).value_or("");
  assignment.blocked = optional_of(
      member, "blocked", [](const Member& value) { return value.parsed(parse_blocked); });
  return assignment;
}

DefaultAffinity default_affinity_of(const Member& member) {
  DefaultAffinity affinity{optional_of(member, "from", cpus_of), member.at("to").cpus()};
  if (affinity.to.empty()) {
    member.at("to").refuse("is empty");
  }
  return affinity;
}

HostId host_of(const Member& member) {
  return {optional_of(member, "hostname", text_of),
          optional_of(member, "kernel", text_of),
          optional_of(member, "boot_id", text_of),
          optional_of(member, "cmdline", text_of)};
}

/// What was to be protected, and is still.
ProtectionRules protection_of(const Member& member) {
  const auto truth = [](const Member& value) { return value.truth(); };
  ProtectionRules rules;
  rules.avoid = optional_of(member, "avoid", cpus_of).value_or(CpuSet{});
  rules.siblings = optional_of(member, "protect_siblings", truth).value_or(rules.siblings);
  rules.include_defined =
      optional_of(member, "include_defined", truth).value_or(rules.include_defined);
  return rules;
}

/// Two assignments of one interrupt, or one vector, would undo each other.
void refuse_duplicates(const std::vector<Assignment>& assignments, const Member& list) {
  std::set<VectorId> vectors;
  for (const auto& assignment : assignments) {
    if (assignment.vector && !vectors.insert(*assignment.vector).second) {
      list.refuse(fmt::format("names {} twice", assignment.vector->to_string()));
    }
  }
  std::vector<IrqNumber> seen;
  seen.reserve(assignments.size());
  for (const auto& assignment : assignments) {
    seen.push_back(assignment.irq);
  }
  std::ranges::sort(seen);
  const auto twice = std::ranges::adjacent_find(seen);
  if (twice != seen.end()) {
    list.refuse(fmt::format("names IRQ {} twice", static_cast<std::uint32_t>(*twice)));
  }
}

/// True for what is deeper than a plan, or more than 65536 interrupts come to: small values take
/// much more memory than text.
bool is_beyond_any_plan(std::string_view json) {
  constexpr std::size_t kMaxDepth = 16;
  constexpr std::size_t kMaxMarks = std::size_t{4} << 20;
  const auto extent = json_extent(json);
  return extent.depth > kMaxDepth || extent.marks > kMaxMarks;
}

}  // namespace

Plan parse_plan(std::string_view json, std::string_view path) {
  const bool beyond = is_beyond_any_plan(json);
  const auto document = beyond ? Json() : Json::parse(json, nullptr, false);
  const Member root(document, std::string(path));
  if (beyond) {
    root.refuse("is deeper or larger than any plan");
  }
  if (document.is_discarded() || !document.is_object()) {
    root.refuse("is not a JSON document");
  }
  if (!root.has("schema") || root.at("schema").text() != kSchema) {
    root.refuse(fmt::format("is not of the schema {}", kSchema));
  }
  Plan plan;
  plan.host = root.has("host") ? host_of(root.at("host")) : HostId{};
  if (root.has("policy")) {
    plan.policy.protection = protection_of(root.at("policy"));
  }
  plan.names_protected = root.has("protected");
  plan.protected_cpus = optional_of(root, "protected", cpus_of).value_or(CpuSet{});
  plan.housekeeping = optional_of(root, "housekeeping", cpus_of).value_or(CpuSet{});
  plan.pool = optional_of(root, "pool", cpus_of).value_or(CpuSet{});
  const auto list = root.at("assignments");
  for (const auto& item : list.items()) {
    plan.assignments.push_back(assignment_of(item));
  }
  refuse_duplicates(plan.assignments, list);
  plan.default_affinity = optional_of(root, "default_affinity", default_affinity_of);
  if (root.has("warnings")) {
    for (const auto& warning : root.at("warnings").items()) {
      plan.warnings.push_back(warning.text());
    }
  }
  return plan;
}

std::optional<std::string> recorded_digest(std::string_view json) {
  const auto document = Json::parse(json, nullptr, false);
  const auto digest = document.is_object() ? document.find("digest") : document.end();
  return digest != document.end() && digest->is_string() ? std::optional(digest->get<std::string>())
                                                         : std::nullopt;
}

}  // namespace irqtune
