// SPDX-License-Identifier: Apache-2.0
#include "cli/support.h"

#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/plan/planner.h"

#include "cli/failures.h"
#include "cli/journal_marks.h"
#include "cli/selection.h"
#include "sys/input_file.h"
#include "sys/users.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <ostream>

#include <unistd.h>

namespace irqtune {

namespace {

/// "NAME=VALUE" -> both. Throws Error{usage}.
std::pair<std::string, std::string> key_value(const std::string& text, std::string_view option) {
  const auto equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(ErrorKind::usage,
                fmt::format("{} {}: no NAME=VALUE", option, text),
                fmt::format("see `irqtune plan --help`, {}", option));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

template <typename T>
T require(std::optional<T> value,
          std::string_view option,
          std::string_view text,
          std::string_view known) {
  if (!value) {
    throw Error(ErrorKind::usage,
                fmt::format("{} {}: unknown", option, text),
                fmt::format("one of {}", known));
  }
  return *value;
}

/// An address in full, so that "3b:00.0" selects too; a glob stays as it is.
std::string address_glob(const std::string& text) {
  const auto address = PciAddress::parse(text);
  return address ? address->to_string() : text;
}

std::map<PciAddress, NodeId> nodes_of(const std::vector<std::string>& texts) {
  std::map<PciAddress, NodeId> nodes;
  for (const auto& text : texts) {
    const auto [name, value] = key_value(text, "--assume-node");
    const auto address = PciAddress::parse(name);
    const auto node = parse_number<std::uint32_t>(value);
    if (!address || !node) {
      throw Error(ErrorKind::usage,
                  fmt::format("--assume-node {}: no ADDRESS=NODE", text),
                  "for instance --assume-node 0000:3b:00.0=1");
    }
    nodes[*address] = NodeId{*node};
  }
  return nodes;
}

/// The root without links, so that the same tree has the same name in every journal.
std::filesystem::path absolute_root(const Context& context) {
  std::error_code error;
  const auto& root = context.sysfs.root();
  auto whole = std::filesystem::weakly_canonical(root, error);
  return error ? root : whole;
}

std::optional<bool> parse_pool_last(std::string_view text) {
  return text == "last"   ? std::optional(true)
         : text == "node" ? std::optional(false)
                          : std::nullopt;
}

/// Throws Error{usage} if rates are asked for of a tree that was read once. The configuration file
/// is for the live host.
void check_sample(const Context& context, const PolicyOptions& options) {
  if (options.sample.value_or(0) > 0 && !context.sysfs.live() &&
      !is_configured(context.call, "--sample") &&
      !context.sysfs.exists("/sample2/proc/interrupts")) {
    throw Error(ErrorKind::usage,
                fmt::format("--sample {:g}: {} has no second reading",
                            *options.sample,
                            context.sysfs.root().native()),
                "take one with `irqtune snapshot --sample SECONDS`, or leave --sample out");
  }
}

/// Who runs this: of this machine, wherever the root is.
std::string caller_name(const Context& context) {
  if (auto sudo = environment("SUDO_USER"); !sudo.empty()) {
    return sudo;
  }
  const auto uid = ::geteuid();
  const auto name = user_name(context.sysfs.live() ? context.sysfs : Sysfs(), uid);
  return name.value_or(fmt::format("uid {}", uid));
}

}  // namespace

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): there is one thread
  return value == nullptr ? std::string() : std::string(value);
}

std::chrono::milliseconds milliseconds(double seconds) {
  constexpr double kMilli = 1000;
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * kMilli));
}

Policy policy_of(const PolicyOptions& options) {
  constexpr std::string_view kPolicies = "avoid, colocate, leave";
  Policy policy;
  std::ranges::transform(options.devices, std::back_inserter(policy.devices), address_glob);
  std::ranges::transform(
      options.skip_devices, std::back_inserter(policy.skip_devices), address_glob);
  policy.vms = options.vms;
  policy.policy = require(parse_policy(options.policy), "--policy", options.policy, kPolicies);
  for (const auto& text : options.vm_policies) {
    const auto [name, value] = key_value(text, "--vm-policy");
    policy.vm_rules.push_back({name, require(parse_policy(value), "--vm-policy", text, kPolicies)});
  }
  policy.scope =
      require(parse_scope(options.scope), "--scope", options.scope, "passthrough, evict, all");
  policy.protection.siblings = !options.no_protect_siblings;
  policy.protection.include_defined = options.include_defined;
  policy.protection.avoid = CpuSet::require_list(options.avoid, "--avoid");
  if (!options.housekeeping.empty()) {
    policy.housekeeping = CpuSet::require_list(options.housekeeping, "--housekeeping");
  }
  policy.pool_last = require(parse_pool_last(options.pool), "--pool", options.pool, "node, last");
  policy.min_gain = options.min_gain;
  policy.max_vectors_per_cpu = options.max_vectors_per_cpu;
  policy.near_to = require(parse_near(options.near), "--near", options.near, "device, vm");
  policy.busy_threshold = options.busy_threshold;
  policy.rebalance = options.rebalance;
  policy.default_affinity = options.default_affinity;
  return policy;
}

void check_policy_value(const std::string& key, const std::string& value) {
  PolicyOptions options;
  const std::map<std::string_view, std::string*> texts = {{"policy", &options.policy},
                                                          {"scope", &options.scope},
                                                          {"avoid", &options.avoid},
                                                          {"housekeeping", &options.housekeeping},
                                                          {"default-set", &options.default_set},
                                                          {"pool", &options.pool},
                                                          {"near", &options.near}};
  const std::map<std::string_view, std::vector<std::string>*> lists = {
      {"vm-policy", &options.vm_policies}, {"assume-node", &options.assume_nodes}};
  if (const auto text = texts.find(key); text != texts.end()) {
    *text->second = value;
  } else if (const auto list = lists.find(key); list != lists.end()) {
    list->second->push_back(value);
  }
  static_cast<void>(policy_of(options));
  static_cast<void>(nodes_of(options.assume_nodes));
  static_cast<void>(CpuSet::require_list(options.default_set, "--default-set"));
}

Host read_host_for(const Context& context,
                   const PolicyOptions& options,
                   Detail detail,
                   bool names) {
  ReadOptions read;
  read.detail = detail;
  read.names = names;
  // Live, two readings one second apart tell of now; counts since boot may be of other days.
  read.sample = options.sample || !context.sysfs.live() ? options.sample : std::optional(1.0);
  read.assume_nodes = nodes_of(options.assume_nodes);
  read.devices_may_be_absent = is_configured(context.call, "--assume-node") ||
                               std::holds_alternative<WatchCommand>(context.call.command);
  if (!options.default_set.empty()) {
    read.default_set = CpuSet::require_list(options.default_set, "--default-set");
  }
  read.vm_trust = {options.trust_user_vms, options.trusted_users};
  read.cpu_text = context.cpu_text;
  read.on_wait = [progress = progress_of(context, "measuring interrupt rates")](double left) {
    if (SignalGuard::interrupted()) {
      throw Error(ErrorKind::applying, "--sample: interrupted; nothing was changed");
    }
    if (progress) {
      progress(left);
    }
  };
  check_sample(context, options);
  auto host = read_host(context.sysfs, read);
  if (host.topology.cpus.empty() && !context.sysfs.exists("/proc/interrupts")) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: no host: neither proc/interrupts nor a CPU is there",
                            context.sysfs.root().native()),
                "give --root the directory that holds proc and sys, or a snapshot");
  }
  mark_from_journals(context, detail, host);
  spdlog::debug("read {} interrupts, {} devices, {} VMs, {} CPUs",
                host.irqs.size(),
                host.devices.size(),
                host.vms.size(),
                host.topology.cpus.size());
  return host;
}

Detail detail_for(const Policy& policy) {
  const bool others_count = policy.scope != Scope::passthrough || policy.max_vectors_per_cpu;
  return others_count ? Detail::devices : Detail::passthrough;
}

namespace {

/// For -vv: what each decision rests on.
void trace_plan(const Plan& plan) {
  if (!spdlog::should_log(spdlog::level::trace)) {
    return;
  }
  for (const auto& [cpu, protectors] : plan.protections) {
    spdlog::trace("{}", fmt::join(protection_texts(cpu, protectors), "; "));
  }
  for (const auto& assignment : plan.assignments) {
    spdlog::trace("IRQ {}: {} -> {}: {}",
                  static_cast<std::uint32_t>(assignment.irq),
                  assignment.from ? assignment.from->to_list() : "unknown",
                  assignment.to.to_list(),
                  printable(assignment.reason));
  }
}

}  // namespace

Planned plan_for(const Context& context, const PolicyOptions& options) {
  auto policy = policy_of(options);
  Planned planned{read_host_for(context, options, detail_for(policy), false), {}};
  settle_selection(planned.host, policy, context.call);
  planned.plan = make_plan(planned.host, policy);
  trace_plan(planned.plan);
  planned.plan.warnings.insert(
      planned.plan.warnings.begin(), planned.host.warnings.begin(), planned.host.warnings.end());
  for (auto& warning : planned.plan.warnings) {
    warning = in_full(std::move(warning), context.style.program);
  }
  return planned;
}

Session session_of(const Context& context, const HostId& id) {
  Session session;
  session.root = absolute_root(context).native();
  session.state_dir = state_dir_of(context);
  session.boot_id = id.boot_id;
  session.user = caller_name(context);
  session.options = context.call.selection;
  return session;
}

std::filesystem::path state_dir_of(const Context& context) {
  return context.call.state_dir.empty() ? absolute_root(context) / "var/lib/irqtune"
                                        : std::filesystem::path(context.call.state_dir);
}

bool may_have_journals(const Context& context) {
  return !context.sysfs.in_memory() || !context.call.state_dir.empty();
}

namespace {

/// A warning that begins with a file of the host, with the root below which that lies.
std::string with_root(const std::string& warning, const Sysfs& sysfs) {
  constexpr std::array<std::string_view, 5> kFolders = {
      "/proc/", "/sys/", "/etc/", "/run/", "/var/"};
  const bool of_host = std::ranges::any_of(
      kFolders, [&](std::string_view folder) { return warning.starts_with(folder); });
  if (sysfs.live() || !of_host) {
    return warning;
  }
  auto root = sysfs.root().native();
  root.resize(root.find_last_not_of('/') + 1);
  return warning.starts_with(root + '/') ? warning
                                         : root + (sysfs.in_memory() ? ":" : "") + warning;
}

}  // namespace

void say_warnings(const Context& context, const std::vector<std::string>& warnings) {
  if (context.call.silent) {
    return;
  }
  for (const auto& warning : warnings) {
    std::string_view label = "irqtune: warning";
    const auto whole = with_root(warning, context.sysfs);
    for (const auto line : split(whole, '\n')) {  // What to do about it is on lines of its own.
      context.err << fmt::format("{}: {}\n", label, printable(line));
      label = "hint";
    }
  }
}

void print_warnings(const Context& context, const std::vector<std::string>& warnings) {
  if (!context.call.json) {
    say_warnings(context, warnings);
  }
}

std::string read_input(const std::string& path, std::string_view option, std::string_view what) {
  auto file = read_input_file(path, Sysfs::kSmallFile);
  if (!file.text) {
    throw Error::system(ErrorKind::usage,
                        input_name(path),
                        fmt::format("cannot read {}", option),
                        file.error,
                        fmt::format("give {}", what));
  }
  return *std::move(file.text);
}

std::string input_name(const std::string& path) {
  return path == "-" ? "standard input" : path;
}

std::function<void(double)> progress_of(const Context& context, std::string what) {
  if (!context.progress || context.call.quiet) {
    return {};
  }
  return [what = std::move(what), &err = context.err](double left) {
    // The last call leaves a clean line.
    err << (left > 0.15 ? fmt::format("\r{}, {:.0f} s left ", what, left)
                        : fmt::format("\r{:{}}\r", "", what.size() + 16))
        << std::flush;
  };
}

void require_writable_root(const Context& context, std::string_view command) {
  if (context.sysfs.in_memory()) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: {} needs a directory, and this is a snapshot file",
                            context.sysfs.root().native(),
                            command),
                "unpack it: mkdir tree && tar -C tree -xzf FILE, then --root tree");
  }
}

}  // namespace irqtune
