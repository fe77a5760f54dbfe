// SPDX-License-Identifier: Apache-2.0
#include "irqtune/report/report.h"

#include "support/catch.h"
#include "support/hosts/fake_tree.h"
#include "support/hosts/make_host.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <memory>

namespace irqtune::test {

namespace {

Assignment move(std::uint32_t irq, const std::string& action, int to) {
  Assignment one;
  one.irq = IrqNumber{irq};
  one.vector = parse_vfio_action(action);
  one.actions = {action};
  one.from = CpuSet{0, 1, 2, 3};
  one.to = CpuSet{to};
  one.change = true;
  one.reason = "off cpu2";
  return one;
}

/// What a shell prints and returns for `script` with /proc and /sys moved below `tree`.
int run_below(const FakeTree& tree, std::string script) {
  for (const auto* top : {"/proc/irq", "/sys/kernel"}) {
    for (auto at = script.find(top); at != std::string::npos; at = script.find(top, at + 1)) {
      script.insert(at, tree.root().string());
      at += tree.root().string().size();
    }
  }
  const auto file = tree.root() / "script.sh";
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(file.c_str(), "w"), &std::fclose);
  static_cast<void>(std::fputs(script.c_str(), out.get()));
  out.reset();
  // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): a script is for a shell
  return WEXITSTATUS(std::system(fmt::format("sh {} 2>/dev/null", file.string()).c_str()));
}

}  // namespace

TEST_CASE("script: the plain commands, each with its check", "[report]") {
  Plan plan;
  plan.host.hostname = "kvm7";
  plan.assignments = {move(30, "vfio-msix[0](0000:3b:00.0)", 5),
                      move(31, "vfio-msix[1](0000:3b:00.0)", 6)};
  plan.assignments[1].change = false;
  plan.default_affinity = DefaultAffinity{std::nullopt, CpuSet{0, 1, 33}};
  const auto script = plan_script(plan);
  CHECK(script.starts_with("#!/bin/sh\n# Plan of irqtune for kvm7: "));
  CHECK(script.find("put 30 5 'vfio-msix[0](0000:3b:00.0)'  # was 0-3: off cpu2\n") !=
        std::string::npos);
  CHECK(script.find("put 31") == std::string::npos);
  CHECK(script.find("echo 2,00000003 > /proc/irq/default_smp_affinity") != std::string::npos);
}

TEST_CASE("script: a shell carries it out, but not on another interrupt", "[report]") {
  const FakeTree tree{{"/sys/kernel/irq/30/actions", "vfio-msix[0](0000:3b:00.0)\n"},
                      {"/sys/kernel/irq/31/actions", "eth0\n"},
                      {"/proc/irq/30/smp_affinity_list", "0-3\n"},
                      {"/proc/irq/31/smp_affinity_list", "0-3\n"}};
  Plan plan;
  plan.assignments = {move(30, "vfio-msix[0](0000:3b:00.0)", 5)};
  CHECK(run_below(tree, plan_script(plan)) == 0);
  CHECK(tree.text("/proc/irq/30/smp_affinity_list") == "5\n");
  plan.assignments.push_back(move(31, "vfio-msix[1](0000:3b:00.0)", 6));
  CHECK(run_below(tree, plan_script(plan)) == 1);
  CHECK(tree.text("/proc/irq/31/smp_affinity_list") == "0-3\n");
}

TEST_CASE("script: the default mask is set only while it is what the plan saw", "[report]") {
  FakeTree tree{{"/proc/irq/default_smp_affinity", "00000000,0000ffff\n"}};
  Plan plan;
  plan.default_affinity = DefaultAffinity{CpuSet::parse_list("0-15"), CpuSet{0, 1}};
  CHECK(run_below(tree, plan_script(plan)) == 0);
  CHECK(tree.text("/proc/irq/default_smp_affinity") == "3\n");
  CHECK(run_below(tree, plan_script(plan)) == 1);
  tree.file("/proc/irq/default_smp_affinity", "ff\n");
  CHECK(run_below(tree, plan_script(plan)) == 1);
  CHECK(tree.text("/proc/irq/default_smp_affinity") == "ff\n");
}

TEST_CASE("script: no name gets out of its quotes or its comment", "[report]") {
  const FakeTree tree{{"/sys/kernel/irq/30/actions", "it's $(id) `id` \"$0\n"},
                      {"/proc/irq/30/smp_affinity_list", "0-3\n"}};
  Plan plan;
  plan.host.hostname = "a\ntouch /proc/irq/evil";
  plan.assignments = {move(30, "it's $(id) `id` \"$0", 5)};
  plan.assignments[0].reason = "because\ntouch /proc/irq/evil";
  CHECK(run_below(tree, plan_script(plan)) == 0);
  CHECK(tree.text("/proc/irq/30/smp_affinity_list") == "5\n");
  CHECK_FALSE(tree.sysfs().exists("/proc/irq/evil"));
}

TEST_CASE("digest: of what would be done, and of nothing else", "[report]") {
  Plan plan;
  const auto empty = plan_digest(plan);
  CHECK(empty.size() == 16);
  plan.assignments = {move(30, "vfio-msix[0](0000:3b:00.0)", 5)};
  const auto one = plan_digest(plan);
  CHECK(one != empty);
  plan.assignments[0].irq = IrqNumber{99};
  plan.assignments[0].reason = "another";
  CHECK(plan_digest(plan) == one);
  plan.assignments[0].to = CpuSet{6};
  CHECK(plan_digest(plan) != one);
  plan.assignments[0].change = false;
  CHECK(plan_digest(plan) == empty);
}

}  // namespace irqtune::test
