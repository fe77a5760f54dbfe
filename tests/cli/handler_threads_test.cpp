// SPDX-License-Identifier: Apache-2.0
// Handlers that are threads: on PREEMPT_RT, and with threadirqs.
#include "support/catch.h"
#include "support/hosts/kvm_tree.h"
#include "support/run_on.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>

namespace irqtune::test {

namespace {

using Catch::Contains;
using Json = nlohmann::json;

/// db1's vectors 40-43 are well placed; the handler of 41 is a thread on `cpus`, those
/// of the others are with their interrupts.
struct ThreadedHost {
  explicit ThreadedHost(const std::string& cpus, int parent = 2) {
    tree.irqs[40].cpu = 8;  // It hardly comes, and leaves the first thread to another.
    tree.irqs[42].cpu = 0;
    tree.file("/sys/kernel/realtime", "1\n");
    for (int irq = 40; irq < 44; ++irq) {
      add(irq, irq == 41 && !cpus.empty() ? cpus : own(irq), parent);
    }
  }

  [[nodiscard]] std::string own(int irq) const {
    return fmt::format("{}", tree.irqs.at(static_cast<unsigned>(irq)).cpu);
  }

  void add(int irq, const std::string& cpus, int parent) {
    const auto comm = fmt::format("irq/{}-vfio-msi", irq);
    tree.add_process(900 + irq, comm);
    tree.file(fmt::format("/proc/{}/status", 900 + irq),
              fmt::format("Name:\t{}\nPPid:\t{}\nCpus_allowed_list:\t{}\n", comm, parent, cpus));
  }

  KvmTree tree;
};

/// Runs where nothing moves for a little balance alone.
Ran still(const FakeTree& tree, Arguments arguments) {
  arguments.insert(arguments.begin() + 1, {"--min-gain", "100"});
  return on(tree, arguments);
}

}  // namespace

TEST_CASE("handler threads: seen, shown and said where they may run", "[cli][handlers]") {
  ThreadedHost host("0-15");
  host.tree.write();
  CHECK_THAT(on(host.tree, {"show", "vms"}).out, Contains("handler   irq/41-vfio-msi 0-15"));
  const auto shown = Json::parse(on(host.tree, {"show", "--json"}).out);
  CHECK(shown["vms"][0]["handlers"][1] ==
        Json{{"name", "irq/41-vfio-msi"}, {"tid", 941}, {"cpus", "0-15"}});
  const auto told = Json::parse(on(host.tree, {"diagnose", "--json"}).out)["findings"];
  REQUIRE(told.size() == 1);
  CHECK(told[0]["id"] == "irq-thread-on-vcpu");
  CHECK(told[0]["irqs"] == Json::array({41}));
  CHECK(told[0]["cpus"] == Json::array({2, 3, 10, 11}));
}

TEST_CASE("handler threads: astray, check says so and apply writes the same mask again",
          "[cli][handlers]") {
  const auto cpus = GENERATE(as<std::string>{}, "0-15", "0-9", "3");
  ThreadedHost host(cpus);
  host.tree.write();
  const auto check = still(host.tree, {"check"});
  CHECK(check.code == 3);
  CHECK_THAT(check.out, Contains("threads_astray"));
  const auto planned = Json::parse(still(host.tree, {"plan", "--json"}).out);
  CHECK(planned["changes"] == 1);
  const auto mask = host.tree.text("/proc/irq/41/smp_affinity_list");
  const auto apply = Json::parse(still(host.tree, {"apply", "--json"}).out);
  CHECK(apply["state"] == "committed");
  REQUIRE(apply["results"].size() == 1);
  CHECK(apply["results"][0]["irq"] == 41);
  CHECK(apply["results"][0]["state"] == "ok");
  CHECK(host.tree.text("/proc/irq/41/smp_affinity_list") == mask);
  CHECK(still(host.tree, {"check"}).code == 0);
  CHECK(still(host.tree, {"apply"}).code == 0);
  CHECK_THAT(on(host.tree, {"diagnose"}).out, Contains("Nothing hurts"));
  CHECK(on(host.tree, {"rollback"}).code == 0);
}

TEST_CASE("handler threads: told from a plan file as well", "[cli][handlers]") {
  ThreadedHost host("0-15");
  host.tree.write();
  const auto file = (host.tree.root() / "plan.json").string();
  REQUIRE(still(host.tree, {"plan", "-o", file}).code == 0);
  const auto apply = Json::parse(on(host.tree, {"apply", "--json", file}).out);
  CHECK(apply["results"][0]["state"] == "ok");
}

TEST_CASE("handler threads: in place where they are with their interrupt, idle, or none",
          "[cli][handlers]") {
  const auto what = GENERATE(as<std::string>{}, "with it", "idle", "user", "no threads");
  ThreadedHost host(what == "with it" ? "" : "0-15", what == "user" ? 1 : 2);
  if (what == "idle") {
    host.tree.irqs[41].rate = 0;
    host.tree.irqs[41].cpu = 9;
    host.tree.irqs[43].cpu = 1;
  }
  if (what == "no threads") {
    host.tree.file("/sys/kernel/realtime", "0\n");
  }
  host.tree.write();
  const auto check = still(host.tree, {"check"});
  CAPTURE(what, check.out);
  CHECK(check.code == 0);
}

TEST_CASE("handler threads: threadirqs makes them as well", "[cli][handlers]") {
  ThreadedHost host("0-15");
  host.tree.file("/sys/kernel/realtime", "0\n");
  host.tree.cmdline += " threadirqs";
  host.tree.write();
  CHECK(still(host.tree, {"check"}).code == 3);
}

TEST_CASE("handler threads: a snapshot knows them, without names too", "[cli][handlers]") {
  ThreadedHost host("0-15");
  host.tree.write();
  const FakeTree out;
  const auto copy = (out.root() / "copy").string();
  REQUIRE(on(host.tree, {"snapshot", "--anonymize", "-o", copy}).code == 0);
  CHECK(run({"--root", copy, "check", "--min-gain", "100"}).code == 3);
}

}  // namespace irqtune::test
