// SPDX-License-Identifier: Apache-2.0
#include "cli/support.h"

#include "irqtune/apply/signals.h"
#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/plan/planner.h"

#include "cli/failures.h"
#include "cli/journal_marks.h"
#include "cli/parse/parse_config.h"
#include "sys/input_file.h"
#include "sys/users.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
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
                fmt::format("see irqtune plan --help, {}", option));
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

std::vector<std::string> vm_names(const Host& host) {
  std::vector<std::string> names;
  for (const auto& vm : host.vms) {
    names.push_back(vm.name);
  }
  return names;
}

/// Of the devices whose interrupts are in scope.
std::vector<std::string> device_names(const Host& host, Scope scope) {
  std::vector<std::string> names;
  for (const auto& device : host.devices) {
    if (device.passthrough || scope != Scope::passthrough) {
      names.push_back(device.address.to_string());
    }
  }
  return names;
}

/// What there is in place of what is not, the nearest spelling first.
std::string choice_text(const std::string& glob, const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 20;
  if (names.empty()) {
    return "this host has none";
  }
  std::vector<std::string> shown;
  std::ranges::transform(
      names.begin(),
      names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kShown)),
      std::back_inserter(shown),
      printable);
  const auto nearest = nearest_name(glob, names);
  return fmt::format("{}there {}: {}{}",
                     nearest.empty() ? "" : "did you mean " + printable(nearest) + "? ",
                     names.size() == 1 ? "is" : "are",
                     fmt::join(shown, ", "),
                     names.size() > kShown ? ", ..." : "");
}

/// Did the configuration file give the option?
bool is_configured(const Invocation& call, std::string_view option) {
  return call.config.lines.contains({call.name, std::string(option.substr(2))});
}

/// Looks for what `globs`, of an option, select.
struct Selection {
  std::string_view option;
  std::string_view noun;
  std::vector<std::string> names;  ///< What there is.
};

void check_globs(const Selection& selection,
                 const std::vector<std::string>& globs,
                 const Invocation& call,
                 std::vector<std::string>& warnings) {
  for (const auto& glob : globs) {
    const auto matches = [&](const auto& name) { return matches_any({&glob, 1}, name); };
    if (std::ranges::any_of(selection.names, matches)) {
      continue;
    }
    const auto what =
        fmt::format("{} {}: no such {}", selection.option, printable(glob), selection.noun);
    const bool comes_and_goes = std::holds_alternative<WatchCommand>(call.command);
    if (!is_configured(call, selection.option) && !comes_and_goes) {
      throw Error(ErrorKind::usage, what, choice_text(glob, selection.names));
    }
    warnings.push_back(name_config(what, call.config, call.name) + " at the moment");
  }
}

/// Of a fleet with one configuration file some hosts have fewer CPUs, so these are no errors.
void check_cpus(std::string_view option,
                const CpuSet& cpus,
                const Host& host,
                std::vector<std::string>& warnings) {
  CpuSet present;
  for (const auto& cpu : host.topology.cpus) {
    present.insert(cpu.number);
  }
  if (!present.empty() && !present.contains_all(cpus)) {
    warnings.push_back(
        fmt::format("{}: this host has no CPU {}", option, (cpus - present).to_list()));
  }
}

/// The root without links, so that the same tree has the same name in every journal.
std::filesystem::path absolute_root(const Context& context) {
  std::error_code error;
  const auto& root = context.sysfs.root();
  auto whole = std::filesystem::weakly_canonical(root, error);
  return error ? root : whole;
}

/// What counts of what was said of a VM: the last rule that names it, else the last glob that fits;
/// nullptr if nothing was said.
const VmRule* rule_for(const std::string& name, const std::vector<VmRule>& rules) {
  const VmRule* last = nullptr;
  bool named = false;
  for (const auto& rule : rules) {
    const bool exact = rule.name == name;
    if (exact || (!named && matches_glob(rule.name, name))) {
      last = &rule;
      named = named || exact;
    }
  }
  return last;
}

/// Rules of equal standing that contradict the one that counts: an exception by name is meant so.
void warn_of_contradiction(const std::string& name,
                           const VmRule& counts,
                           const std::vector<VmRule>& rules,
                           std::vector<std::string>& warnings) {
  const bool exact = counts.name == name;
  for (const auto& rule : rules) {
    const bool equal = exact ? rule.name == name : matches_glob(rule.name, name);
    if (equal && rule.policy != counts.policy) {
      warnings.push_back(
          fmt::format("--vm-policy: {}={} and {}={} both fit {}: {} counts, the last",
                      rule.name,
                      policy_text(rule.policy),
                      counts.name,
                      policy_text(counts.policy),
                      name,
                      policy_text(counts.policy)));
      return;
    }
  }
}

/// What the rules come to for each VM of the host.
void settle_vm_policies(const Host& host, Policy& policy, std::vector<std::string>& warnings) {
  for (const auto& vm : host.vms) {
    const auto* rule = rule_for(vm.name, policy.vm_rules);
    if (rule != nullptr && policy.vm_policies.try_emplace(vm.name, rule->policy).second) {
      warn_of_contradiction(vm.name, *rule, policy.vm_rules, warnings);
    }
  }
}

std::optional<bool> parse_pool_last(std::string_view text) {
  return text == "last"   ? std::optional(true)
         : text == "node" ? std::optional(false)
                          : std::nullopt;
}

/// Proxmox' number of a VM stands for its name.
void name_by_number(const Host& host, Policy& policy) {
  for (const auto& vm : host.vms) {
    const auto number = vm.vmid ? std::to_string(*vm.vmid) : std::string{};
    if (number.empty() || std::ranges::find(host.vms, number, &Vm::name) != host.vms.end()) {
      continue;
    }
    std::ranges::replace(policy.vms, number, vm.name);
    for (auto& rule : policy.vm_rules) {
      rule.name = rule.name == number ? vm.name : rule.name;
    }
  }
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
                "take one with irqtune snapshot --sample SECONDS, or leave --sample out");
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

std::chrono::milliseconds wait_of(const LockOptions& options) {
  constexpr double kMilli = 1000;
  return std::chrono::milliseconds(static_cast<std::int64_t>(options.wait * kMilli));
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

void settle_selection(Host& host, Policy& policy, const Invocation& call) {
  name_by_number(host, policy);
  std::vector<std::string> named;
  for (const auto& rule : policy.vm_rules) {
    named.push_back(rule.name);
  }
  const auto devices = device_names(host, policy.scope);
  const auto vms = vm_names(host);
  auto& warnings = host.warnings;
  const auto* const noun = policy.scope == Scope::passthrough ? "passthrough device" : "device";
  check_globs({"--device", noun, devices}, policy.devices, call, warnings);
  check_globs({"--skip-device", noun, devices}, policy.skip_devices, call, warnings);
  check_globs({"--vm", "VM", vms}, policy.vms, call, warnings);
  check_globs({"--vm-policy", "VM", vms}, named, call, warnings);
  check_cpus("--avoid", policy.protection.avoid, host, warnings);
  check_cpus("--housekeeping", policy.housekeeping.value_or(CpuSet{}), host, warnings);
  settle_vm_policies(host, policy, warnings);
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

void say_warnings(const Context& context, const std::vector<std::string>& warnings) {
  if (context.call.silent) {
    return;
  }
  for (const auto& warning : warnings) {
    std::string_view label = "irqtune: warning";
    for (const auto line : split(warning, '\n')) {  // What to do about it is on lines of its own.
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
