// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "plan/why/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace irqtune::planning {

namespace {

unsigned number(NodeId node) {
  return static_cast<unsigned>(node);
}

std::string join(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// Collects lines, each once.
class Warnings {
 public:
  Warnings(const Index& index, const std::vector<Item>& items, const std::vector<Site>& sites)
      : index_(index), items_(items), sites_(sites) {}

  std::vector<std::string> run() {
    about_filters();
    about_no_candidate();
    about_far_nodes();
    about_floating_vms();
    about_budget();
    about_busy_cpus();
    about_colocation();
    about_shared_lines();
    about_unknown_masks();
    about_default_affinity();
    return std::move(lines_);
  }

  std::vector<std::string> run_standing() {
    about_misplaced_vms();
    return std::move(lines_);
  }

 private:
  void say(std::string line) {
    if (std::ranges::find(lines_, line) == lines_.end()) {
      lines_.push_back(std::move(line));
    }
  }

  [[nodiscard]] std::size_t count(Blocked why, VmPolicy policy) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        items_, [&](const Item& item) { return item.blocked == why && item.policy == policy; }));
  }

  // As a vCPU's CPU or as the sibling of one.
  [[nodiscard]] bool protects(const Vm& vm, const CpuSet& cpus) const {
    return std::ranges::any_of(index_.protections, [&](const auto& entry) {
      return cpus.contains(entry.first) &&
             std::ranges::find(entry.second, vm.name, &Protection::vm) != entry.second.end();
    });
  }

  // "vm1 pins 2-5", for each VM that protects one of `cpus`.
  [[nodiscard]] std::vector<std::string> pins_on(const CpuSet& cpus) const {
    std::vector<std::string> pins;
    for (const auto& vm : index_.host->vms) {
      const auto place = index_.places.find(&vm);
      if (place != index_.places.end() && protects(vm, cpus)) {
        const auto within = place->second.cpus & cpus;
        const auto& pinned = within.empty() ? place->second.cpus : within;
        pins.push_back(fmt::format("{} pins {}", vm.name, pinned.to_list()));
      }
    }
    return pins;
  }

  void about_filters() {
    const auto& policy = *index_.policy;
    for (const auto& glob : policy.vms) {
      if (std::ranges::none_of(index_.host->vms, [&](const Vm& vm) {
            return matches_any({&glob, 1}, vm.name);
          })) {
        say(fmt::format("--vm {}: no VM of that name; see `irqtune show vms`", glob));
      }
    }
    std::set<std::string_view> names;
    for (const auto& vm : index_.host->vms) {
      names.insert(vm.name);
    }
    for (const auto& [name, of_vm] : policy.vm_policies) {
      if (!names.contains(name)) {
        say(fmt::format("--vm-policy {}={}: no VM of that name; see `irqtune show vms`",
                        name,
                        policy_text(of_vm)));
      }
    }
    for (const auto& glob : policy.devices) {
      if (std::ranges::none_of(items_, [&](const Item& item) {
            return item.irq->device && matches_glob(glob, item.irq->device->to_string());
          })) {
        say(
            fmt::format("--device {}: no vector of such a device in scope; see `irqtune show "
                        "devices`",
                        glob));
      }
    }
  }

  void about_no_candidate() {
    const auto stuck = count(Blocked::no_candidate, VmPolicy::avoid);
    if (stuck == 0) {
      return;
    }
    say(fmt::format("{}, so {} stay{}; {}",
                    why_no_candidate(),
                    counted(stuck, "vector"),
                    stuck == 1 ? "s" : "",
                    who_can_give()));
  }

  // "no housekeeping CPU: --housekeeping 77 names none that is online"
  [[nodiscard]] std::string why_no_candidate() const {
    const auto& online = index_.host->topology.online;
    const auto& wanted = index_.policy->housekeeping;
    const auto protectors = join(protectors_of(wanted ? *wanted & online : online));
    if (!wanted) {
      return fmt::format("no housekeeping CPU: every online CPU is protected ({})", protectors);
    }
    return wanted->intersects(online)
               ? fmt::format(
                     "no housekeeping CPU: --housekeeping {} names protected ones only ({})",
                     wanted->to_list(),
                     protectors)
               : fmt::format("no housekeeping CPU: --housekeeping {} names none that is online",
                             wanted->to_list());
  }

  // "vm1 pins 2-5", "--avoid 0-1", or that they are isolated.
  [[nodiscard]] std::vector<std::string> protectors_of(const CpuSet& cpus) const {
    auto why = pins_on(cpus);
    const auto& avoided = index_.policy->protection.avoid;
    if (avoided.intersects(cpus)) {
      why.push_back("--avoid " + avoided.to_list());
    }
    if (why.empty()) {
      why.emplace_back("by isolation");
    }
    return why;
  }

  // The remedy that is nearest to the cause.
  [[nodiscard]] std::string who_can_give() const {
    const auto& online = index_.host->topology.online;
    if (index_.policy->housekeeping) {
      return fmt::format("give CPUs that are online ({}) and free", online.to_list());
    }
    return pins_on(online).empty() ? "leave a CPU to the host"
                                   : "pin one of these VMs to fewer cores";
  }

  [[nodiscard]] CpuSet online_on(NodeId node) const {
    CpuSet cpus;
    for (const auto& cpu : index_.host->topology.cpus) {
      if (cpu.online && cpu.node == node) {
        cpus.insert(cpu.number);
      }
    }
    return cpus;
  }

  /// Why no CPU is counted to the node: nodes may overlap, and a CPU counts to the first.
  [[nodiscard]] std::string about_empty(NodeId id) const {
    const auto& topology = index_.host->topology;
    const auto node = std::ranges::find(topology.nodes, id, &NumaNode::id);
    const bool overlaps = node != topology.nodes.end() && node->cpus.intersects(topology.online);
    return overlaps ? "its CPUs are listed in another node too, and count to that one"
                    : "it has no online CPU";
  }

  void about_far_nodes() {
    std::map<NodeId, std::pair<std::size_t, std::set<std::string>>> far;
    for (const auto& item : items_) {
      const auto node = item.target ? node_of(index_, *item.target) : std::nullopt;
      if (item.policy == VmPolicy::avoid && item.home && node && node != item.home) {
        auto& [vectors, vms] = far[*item.home];
        ++vectors;
        vms.insert(item.vm != nullptr ? item.vm->name : "the host");
      }
    }
    for (const auto& [home, what] : far) {
      const auto there = online_on(home);
      const bool none = !there.intersects(index_.housekeeping | index_.pool);
      const auto pins = pins_on(there);
      const auto remedy = there.empty()  ? about_empty(home)
                          : !none        ? std::string("its CPUs are busy or full")
                          : pins.empty() ? std::string("all its CPUs are isolated or excluded")
                                         : join(pins) + ": free a core there";
      say(fmt::format("node {} has no CPU to give, so {} of {} go{} to another node; {}",
                      number(home),
                      counted(what.first, "vector"),
                      join({what.second.begin(), what.second.end()}),
                      what.first == 1 ? "es" : "",
                      remedy));
    }
  }

  void about_misplaced_vms() {
    for (const auto& item : items_) {
      if (item.vm == nullptr || item.place == nullptr || !item.place->node ||
          item.device == nullptr || !item.device->node ||
          std::ranges::binary_search(item.place->nodes, *item.device->node)) {
        continue;
      }
      say(
          fmt::format("{} runs on node {}, its device {} is on node {}: pin the VM there, or give "
                      "it a device of its own node; vectors go near the {} (--near)",
                      item.vm->name,
                      number(*item.place->node),
                      item.device->address.to_string(),
                      number(*item.device->node),
                      near_text(index_.policy->near_to)));
    }
  }

  void about_floating_vms() {
    for (const auto& item : items_) {
      if (item.vm != nullptr && item.place == nullptr && item.policy == VmPolicy::avoid) {
        say(fmt::format("{} has no pinned vCPU: no core can be kept clear for it; pin its vCPUs",
                        item.vm->name));
      }
    }
  }

  void about_budget() {
    const auto left = count(Blocked::budget, VmPolicy::avoid);
    if (left == 0) {
      return;
    }
    constexpr std::size_t kUsual = 200;  // What an x86 CPU takes that is not a candidate yet.
    const auto each = vector_budget(index_).value_or(kUsual);
    const auto needed =
        each == 0 ? std::string("more") : std::to_string(sites_.size() + (left + each - 1) / each);
    std::size_t free = 0;
    for (const auto& site : sites_) {
      free += site.slots;
    }
    const bool told = kernel_tells();
    const auto source =
        told ? fmt::format("the kernel has room for {} (debugfs irq/domains/VECTOR)", free)
             : fmt::format("with at most {} a CPU there is room for {}", each, free);
    say(fmt::format(
        "{} not fit: {}; this set takes {} housekeeping CPUs, there are {}; "
        "free cores{}",
        counted(left, "vector") + (left == 1 ? " does" : " do"),
        source,
        needed,
        sites_.size(),
        told && !index_.policy->max_vectors_per_cpu ? "" : ", or raise --max-vectors-per-cpu"));
  }

  [[nodiscard]] bool kernel_tells() const {
    return std::ranges::any_of(index_.host->topology.cpus, [this](const Cpu& cpu) {
      return cpu.free_vectors && index_.housekeeping.contains(cpu.number);
    });
  }

  void about_busy_cpus() {
    CpuSet busy;
    for (const auto& site : sites_) {
      if (site.busy) {
        busy.insert(site.cpu);
      }
    }
    if (!busy.empty() && !items_.empty()) {
      say(
          fmt::format("CPUs {} spend more than {:g} % of their time in interrupts: they take no "
                      "vector while others can (--busy-threshold)",
                      busy.to_list(),
                      index_.policy->busy_threshold));
    }
  }

  void about_colocation() {
    for (const auto& item : items_) {
      if (item.policy == VmPolicy::colocate && item.blocked == Blocked::no_candidate) {
        say(
            fmt::format("{}: policy colocate, but no pinned vCPU to put vectors beside; pin its "
                        "vCPUs",
                        item.vm != nullptr ? item.vm->name : item.irq->vector->device.to_string()));
      }
    }
  }

  void about_shared_lines() {
    for (const auto& item : items_) {
      if (item.irq->vector && item.irq->actions.size() > 1) {
        say(
            fmt::format("IRQ {} is shared ({}): all its devices move together; let the guest use "
                        "MSI, or unbind the other driver",
                        static_cast<unsigned>(item.irq->number),
                        printable(join(item.irq->actions))));
      }
    }
  }

  void about_unknown_masks() {
    const auto unknown = static_cast<std::size_t>(std::ranges::count_if(
        items_, [](const Item& item) { return !item.irq->affinity && !item.blocked; }));
    if (unknown > 0) {
      say(fmt::format("the masks of {} could not be read: where they are is not known",
                      counted(unknown, "vector")));
    }
  }

  void about_default_affinity() {
    if (!index_.policy->default_affinity) {
      return;
    }
    if (index_.housekeeping.empty()) {
      say("--default-affinity: no housekeeping CPU, so the default mask stays");
      return;
    }
    for (const auto& node : index_.host->topology.nodes) {
      if (!node.cpus.empty() && !node.cpus.intersects(index_.housekeeping)) {
        say(
            fmt::format("--default-affinity: node {} has no housekeeping CPU, new vectors of its "
                        "devices start on another node",
                        number(node.id)));
      }
    }
  }

  const Index& index_;
  const std::vector<Item>& items_;
  const std::vector<Site>& sites_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> warnings(const Index& index,
                                  const std::vector<Item>& items,
                                  const std::vector<Site>& sites) {
  return Warnings(index, items, sites).run();
}

std::vector<std::string> misplaced_vms(const Index& index, const std::vector<Item>& items) {
  return Warnings(index, items, {}).run_standing();
}

}  // namespace irqtune::planning
