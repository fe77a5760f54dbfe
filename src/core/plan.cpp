// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/plan.h"

#include "irqtune/core/text.h"

#include <algorithm>

namespace irqtune {

namespace {

/// The value of `values` whose text is `text`.
template <typename Enum, typename Text>
std::optional<Enum> parse_enum(std::string_view text,
                               std::initializer_list<Enum> values,
                               Text text_of) noexcept {
  const auto* const found = std::ranges::find(values, text, text_of);
  return found != values.end() ? std::optional(*found) : std::nullopt;
}

}  // namespace

std::string_view policy_text(VmPolicy policy) noexcept {
  switch (policy) {
    case VmPolicy::avoid:
      return "avoid";
    case VmPolicy::colocate:
      return "colocate";
    case VmPolicy::leave:
      return "leave";
  }
  return "";
}

std::string_view scope_text(Scope scope) noexcept {
  switch (scope) {
    case Scope::passthrough:
      return "passthrough";
    case Scope::evict:
      return "evict";
    case Scope::all:
      return "all";
  }
  return "";
}

std::string_view near_text(Near near) noexcept {
  switch (near) {
    case Near::device:
      return "device";
    case Near::vm:
      return "vm";
  }
  return "";
}

std::string_view role_text(Role role) noexcept {
  switch (role) {
    case Role::primary:
      return "primary";
    case Role::auxiliary:
      return "auxiliary";
  }
  return "";
}

std::string_view locality_text(Locality locality) noexcept {
  switch (locality) {
    case Locality::llc:
      return "llc";
    case Locality::node:
      return "node";
    case Locality::remote:
      return "remote";
    case Locality::unknown:
      return "unknown";
  }
  return "";
}

std::string_view blocked_text(Blocked blocked) noexcept {
  switch (blocked) {
    case Blocked::managed:
      return "managed";
    case Blocked::no_candidate:
      return "no_candidate";
    case Blocked::budget:
      return "budget";
    case Blocked::left:
      return "left";
  }
  return "";
}

std::optional<VmPolicy> parse_policy(std::string_view text) noexcept {
  return parse_enum(text, {VmPolicy::avoid, VmPolicy::colocate, VmPolicy::leave}, policy_text);
}

std::optional<Scope> parse_scope(std::string_view text) noexcept {
  return parse_enum(text, {Scope::passthrough, Scope::evict, Scope::all}, scope_text);
}

std::optional<Near> parse_near(std::string_view text) noexcept {
  return parse_enum(text, {Near::device, Near::vm}, near_text);
}

std::size_t change_count(const Plan& plan) noexcept {
  const auto changes = std::ranges::count(plan.assignments, true, &Assignment::change);
  const bool mask =
      plan.default_affinity && plan.default_affinity->from != plan.default_affinity->to;
  return static_cast<std::size_t>(changes) + (mask ? 1U : 0U);
}

bool selects(const Policy& policy, const std::optional<PciAddress>& device, const Vm* vm) {
  const bool device_fits =
      policy.devices.empty() || (device && matches_any(policy.devices, device->to_string()));
  const bool vm_fits = policy.vms.empty() || (vm != nullptr && matches_any(policy.vms, vm->name));
  const bool skipped = device && matches_any(policy.skip_devices, device->to_string());
  return device_fits && vm_fits && !skipped;
}

VmPolicy policy_for(const Policy& policy, const PciAddress& device, const Vm* vm) {
  const auto of_device = policy.device_policies.find(device.to_string());
  if (of_device != policy.device_policies.end()) {
    return of_device->second;
  }
  const auto of_vm = vm != nullptr ? policy.vm_policies.find(vm->name) : policy.vm_policies.end();
  return of_vm != policy.vm_policies.end() ? of_vm->second : policy.policy;
}

}  // namespace irqtune
