// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/plan_from_file.h"

#include "irqtune/apply/plan_file.h"
#include "irqtune/core/error.h"
#include "irqtune/core/protection.h"
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "cli/support.h"
#include "sys/input_file.h"

#include <fmt/format.h>

#include <optional>

namespace irqtune {

namespace {

constexpr std::size_t kLargestPlan = std::size_t{128} << 20;

/// Throws Error{usage} if the plan is not what irqtune made, or made on another host.
void check_origin(const Plan& plan,
                  const std::optional<std::string>& digest,
                  const std::optional<std::string>& hostname,
                  const std::string& path) {
  constexpr auto kHint = "make a new plan on this host, or carry it out as it stands with --force";
  if (!digest || (hostname && !plan.host.hostname)) {
    throw Error(
        ErrorKind::usage,
        fmt::format(
            "{}: has no {}: not as `irqtune plan -o` wrote it", path, digest ? "host" : "digest"),
        kHint);
  }
  if (*digest != plan_digest(plan)) {
    throw Error(
        ErrorKind::usage,
        fmt::format("{}: was changed after it was made: not the digest of its changes", path),
        kHint);
  }
  if (hostname && plan.host.hostname && *hostname != *plan.host.hostname) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: was made on {}, and this is {}",
                            path,
                            printable(*plan.host.hostname),
                            printable(*hostname)),
                kHint);
  }
}

/// Throws Error{usage} if the plan wants a CPU that is not online (any more).
void check_online(const Plan& plan, const Sysfs& sysfs, const std::string& path) {
  const auto text = sysfs.read("/sys/devices/system/cpu/online");
  const auto online = text ? CpuSet::parse_list(*text) : std::nullopt;
  const auto& wanted = plan.default_affinity;
  if (online && wanted && !online->intersects(wanted->to)) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: default affinity {}: not online", path, wanted->to.to_list()),
                "make a new plan");
  }
  for (const auto& assignment : plan.assignments) {
    if (online && assignment.change && !online->contains_all(assignment.to)) {
      throw Error(ErrorKind::usage,
                  fmt::format("{}: IRQ {} to CPU {}: not online",
                              path,
                              static_cast<std::uint32_t>(assignment.irq),
                              assignment.to.to_list()),
                  "make a new plan");
    }
  }
}

/// Throws Error{usage} if the plan wants a CPU that is protected now, whenever it came to be;
/// a colocated vector's is its own VM's.
void check_unprotected(const Plan& plan, const Context& context, const std::string& path) {
  const auto host = read_host_for(context, PolicyOptions{}, Detail::passthrough, false);
  const auto map = protections(host, plan.policy.protection);
  const auto now = protected_cpus(map);
  const auto since = now - plan.protected_cpus;
  for (const auto& assignment : plan.assignments) {
    const auto* owner = assignment.device ? find_owner(host, *assignment.device) : nullptr;
    const bool colocated = assignment.device &&
                           policy_for(plan.policy, *assignment.device, owner) == VmPolicy::colocate;
    const auto cpu = (assignment.to & (colocated ? since : now)).first();
    if (assignment.change && cpu) {
      throw Error(ErrorKind::usage,
                  fmt::format("{}: IRQ {} to CPU {}: is protected: {}",
                              path,
                              static_cast<std::uint32_t>(assignment.irq),
                              *cpu,
                              printable(protection_texts(*cpu, map.at(*cpu)).front())),
                  "make a new plan, or carry it out as it stands with --force");
    }
  }
}

}  // namespace

void check_plan_fits(const Plan& plan,
                     const Context& context,
                     const std::string& path,
                     bool force) {
  check_online(plan, context.sysfs, path);
  if (!force && change_count(plan) > 0) {
    check_unprotected(plan, context, path);
  }
}

Plan plan_from_file(const Context& context, const std::string& given, bool force) {
  const auto file = read_input_file(given, kLargestPlan);
  const auto path = input_name(given);
  if (!file.text) {
    throw Error::system(ErrorKind::usage,
                        path,
                        "cannot read the plan",
                        file.error,
                        "give a plan as `irqtune plan -o FILE` wrote it");
  }
  auto plan = parse_plan(*file.text, path);
  const auto id = read_host_id(context.sysfs);
  if (!force) {
    check_origin(plan, recorded_digest(*file.text), id.hostname, path);
  }
  if (id.boot_id && plan.host.boot_id && id.boot_id != plan.host.boot_id) {
    plan.warnings.push_back(
        fmt::format("{}: made in another boot of a host; vectors are found by their key", path));
  }
  return plan;
}

}  // namespace irqtune
