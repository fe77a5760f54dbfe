// SPDX-License-Identifier: Apache-2.0
#include "support/hosts/random_host.h"

#include "support/dice.h"
#include "support/hosts/make_host.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune::test {

namespace {

class Generator {
 public:
  Generator(std::uint32_t seed, bool small) : dice_(seed), small_(small) {}

  RandomHost run() {
    Grid grid;
    grid.nodes = small_ ? dice_.number(1, 3) : dice_.number(1, 8);
    grid.cores = small_ ? dice_.number(1, 4) : dice_.number(1, 24);
    grid.threads = dice_.one_of<int>({1, 2, 2, 2, 4, 8});
    grid.llcs = std::min(grid.cores, dice_.number(1, 3));
    host_ = make_host(grid);
    with_rates_ = dice_.chance(70);
    choose_policy();
    make_dies();
    make_nodes_odd();
    take_cpus_offline();
    add_vms();
    limit_housekeeping();
    add_devices();
    add_host_load();
    choose_exceptions();
    host_.default_affinity = host_.topology.online;
    return {std::move(host_), std::move(policy_)};
  }

 private:
  // Two dies a package, or packages of two nodes each.
  void make_dies() {
    const int kind = dice_.number(0, 2);
    for (auto& cpu : host_.topology.cpus) {
      cpu.die = kind == 0 ? std::optional(*cpu.core % 2) : std::nullopt;
      cpu.package = kind == 1 ? std::optional(*cpu.package / 2) : cpu.package;
    }
  }

  void make_nodes_odd() {
    auto& nodes = host_.topology.nodes;
    if (dice_.chance(20)) {
      for (auto& node : nodes) {
        node.id = NodeId{static_cast<std::uint32_t>(node.id) * 3 + 1};
      }
      for (auto& cpu : host_.topology.cpus) {
        cpu.node = NodeId{static_cast<std::uint32_t>(*cpu.node) * 3 + 1};
      }
    }
    for (auto& node : nodes) {
      for (auto& far : node.distances) {
        far = far == 10 ? 10 : dice_.one_of<int>({12, 21, 21, 32});
      }
    }
    if (dice_.chance(15)) {  // Memory only
      NumaNode node;
      node.id = NodeId{static_cast<std::uint32_t>(nodes.back().id) + 2};
      for (auto& other : nodes) {
        node.distances.push_back(dice_.one_of<int>({14, 24}));
        other.distances.push_back(20);
      }
      node.distances.push_back(10);
      nodes.push_back(std::move(node));
    }
    if (dice_.chance(5)) {
      for (auto& node : nodes) {
        node.distances.clear();
      }
    }
  }

  void take_cpus_offline() {
    const int last = static_cast<int>(host_.topology.cpus.size()) - 1;
    if (last < 1 || !dice_.chance(20)) {
      return;
    }
    for (int i = dice_.number(1, std::min(last, 6)); i > 0; --i) {
      take_cpu_offline(dice_.number(1, last));
    }
  }

  void take_cpu_offline(int victim) {
    auto& topology = host_.topology;
    auto& gone = topology.cpus[static_cast<std::size_t>(victim)];
    gone.online = false;
    gone.core.reset();
    gone.llc.reset();
    gone.siblings = {};
    topology.online.erase(victim);
    for (auto& cpu : topology.cpus) {
      cpu.siblings.erase(victim);
    }
    for (auto& node : topology.nodes) {
      node.cpus.erase(victim);
    }
  }

  int any_cpu() { return dice_.one_of(host_.topology.online.cpus()); }

  void add_vms() {
    const int vms = small_ ? dice_.number(0, 2) : dice_.number(0, 6);
    for (int vm = 0; vm < vms; ++vm) {
      std::vector<std::string> pins;
      const int vcpus = small_ ? dice_.number(1, 2) : dice_.number(1, 12);
      const int kind = dice_.number(0, 9);
      for (int i = 0; i < vcpus; ++i) {
        const bool pool = kind == 8;
        pins.push_back(kind == 9 ? ""
                       : pool    ? fmt::format("{},{}", any_cpu(), any_cpu())
                                 : fmt::format("{}", any_cpu()));
      }
      add_vm(host_, fmt::format("vm{}", vm), pins, {}).state =
          dice_.chance(5) ? VmState::defined : VmState::running;
    }
  }

  // Small hosts are to have few candidates: the rest is isolated.
  void limit_housekeeping() {
    auto free =
        (host_.topology.online - protected_cpus(protections(host_, policy_.protection))).cpus();
    const std::size_t most = small_ ? 5 : 400;
    while (free.size() > most) {
      const auto victim = dice_.number(0, static_cast<int>(free.size()) - 1);
      host_.topology.isolated.insert(free[static_cast<std::size_t>(victim)]);
      free.erase(free.begin() + victim);
    }
    for (auto& cpu : host_.topology.cpus) {
      if (dice_.chance(5)) {
        cpu.irq_busy = dice_.chance(50) ? 0.9 : 0.5;
      }
    }
  }

  double rate() {
    if (!with_rates_) {
      return 0;
    }
    switch (dice_.number(0, 3)) {
      case 0:
        return 0;
      case 1:
        return dice_.number(1, 9);
      case 2:
        return dice_.number(10, 2000);
      default:
        return dice_.number(1000, 50000);
    }
  }

  std::string mask() {
    switch (dice_.number(0, 5)) {
      case 0:
        return host_.topology.online.to_list();
      case 1:
        return fmt::format("{},{}", any_cpu(), any_cpu());
      default:
        return fmt::format("{}", any_cpu());
    }
  }

  void add_devices() {
    const int most = policy_.scope == Scope::passthrough ? 6 : 4;  // The host's own come on top.
    int left = small_ ? dice_.number(1, most) : dice_.number(1, 300);
    for (int device = 0; left > 0; ++device) {
      const auto name = fmt::format("0000:{:02x}:00.0", device);
      const auto& nodes = host_.topology.nodes;
      std::optional<NodeId> node = dice_.one_of(nodes).id;
      add_device(host_, name, dice_.chance(15) ? std::nullopt : node).class_code =
          dice_.chance(50) ? 0x010802 : 0x020000;
      if (!host_.vms.empty() && dice_.chance(85)) {
        const auto vm = dice_.number(0, static_cast<int>(host_.vms.size()) - 1);
        host_.vms[static_cast<std::size_t>(vm)].devices.push_back(address(name));
      }
      const int vectors = std::min(left, dice_.one_of<int>({1, 2, 3, 5, 17, 64, 257}));
      for (int i = 0; i < vectors; ++i) {
        add_one(name);
      }
      left -= vectors;
    }
  }

  void add_one(const std::string& device) {
    auto& irq = add_vector(host_, device, mask(), rate());
    if (dice_.chance(20)) {
      irq.effective = CpuSet{any_cpu()};  // Pending, or within a wide mask.
    }
    if (dice_.chance(3)) {
      irq.settable = false;
    }
    if (dice_.chance(3)) {
      irq.affinity.reset();
      irq.effective.reset();
    }
  }

  void add_host_load() {
    const int irqs = dice_.number(0, small_ ? 2 : 40);
    for (int i = 0; i < irqs; ++i) {
      auto& irq = add_host_irq(host_, fmt::format("eth{}", i), mask(), rate());
      irq.settable = dice_.chance(15) ? std::optional(false) : true;
      if (dice_.chance(50)) {
        const auto name = fmt::format("0000:{:02x}:00.1", i);
        add_device(host_, name, dice_.one_of(host_.topology.nodes).id).passthrough = false;
        irq.device = address(name);
        irq.settable = irq.settable == true && dice_.chance(50) ? std::nullopt : irq.settable;
      }
    }
    host_.rate_source = with_rates_ ? RateSource::sampled : RateSource::none;
  }

  void choose_policy() {
    policy_.rebalance = dice_.chance(20);
    policy_.min_gain = dice_.one_of<int>({10, 10, 0, 25});
    policy_.near_to = dice_.chance(20) ? Near::vm : Near::device;
    policy_.protection.siblings = dice_.chance(80);
    policy_.default_affinity = dice_.chance(30);
    policy_.scope = dice_.one_of<Scope>(
        {Scope::passthrough, Scope::passthrough, Scope::evict, Scope::evict, Scope::all});
    if (dice_.chance(20)) {
      policy_.max_vectors_per_cpu = small_ ? dice_.number(1, 3) : dice_.number(2, 30);
    }
  }

  // What the exhaustive search knows nothing of.
  void choose_exceptions() {
    if (small_) {
      return;
    }
    const std::vector<VmPolicy> kinds{VmPolicy::avoid, VmPolicy::colocate, VmPolicy::leave};
    for (const auto& vm : host_.vms) {
      if (dice_.chance(10)) {
        policy_.vm_policies[vm.name] = dice_.one_of(kinds);
      }
    }
    if (dice_.chance(10)) {
      policy_.device_policies[host_.devices.front().address.to_string()] = dice_.one_of(kinds);
    }
  }

  Dice dice_;
  bool small_;
  bool with_rates_ = true;
  Host host_;
  Policy policy_;
};

}  // namespace

RandomHost small_host(std::uint32_t seed) {
  return Generator(seed, true).run();
}

RandomHost large_host(std::uint32_t seed) {
  return Generator(seed, false).run();
}

}  // namespace irqtune::test
