// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/protection.h"

#include "read/vms/polling.h"
#include "support/catch.h"
#include "support/hosts/vm_tree.h"

#include <fmt/format.h>

#include <string>

namespace irqtune::test {

namespace {

constexpr int kPid = 700;

/// A thread that ran `ran` ticks since it was started at tick 1000.
void add_bound(FakeTree& tree, int tid, const std::string& cpus, int ran, const char* proc = "") {
  const auto task = fmt::format("{}/proc/{}/task/{}", proc, kPid, tid);
  tree.file(task + "/comm", fmt::format("reactor_{}\n", tid - kPid));
  tree.file(task + "/status", fmt::format("Cpus_allowed_list:\t{}\n", cpus));
  tree.file(task + "/stat",
            fmt::format("{} (re) a) R 1 1 1 0 -1 0 0 0 0 0 {} 0 0 0 20 0 1 0 1000 0\n", tid, ran));
}

Host with_user(RateSource source, double seconds) {
  Host host;
  host.topology = sixteen_cpus();
  host.vfio_users.push_back({kPid, "spdk_tgt", {}, {}});
  host.rate_source = source;
  host.sample_seconds = seconds;
  return host;
}

void find(const FakeTree& tree, Host& host) {
  const auto sysfs = tree.sysfs();
  find_polling(sysfs, read_bound_threads(sysfs, host.vfio_users), host);
}

}  // namespace

TEST_CASE("A bound thread of a vfio user that hardly sleeps protects its CPU", "[vms]") {
  FakeTree tree;
  SECTION("since it was started") {
    auto host = with_user(RateSource::since_boot, 110);
    add_bound(tree, 701, "4", 9'500);
    add_bound(tree, 702, "5", 5'000);
    add_bound(tree, 703, "6-7", 10'000);
    find(tree, host);
    CHECK(protected_cpus(protections(host, {})) == CpuSet{4});
    REQUIRE(host.warnings.size() == 1);
    CHECK(host.warnings[0].find("bound to CPUs 5 ") != std::string::npos);
    CHECK(host.warnings[0].find("--avoid 5") != std::string::npos);
    const auto map = protections(host, {});
    CHECK(protection_text(4, map.at(4)[0]) ==
          "cpu4: polled by reactor_1 of spdk_tgt (process 700)");
    CHECK_FALSE(protected_by_vcpu(map, 4));
  }
  SECTION("between the two readings") {
    auto host = with_user(RateSource::sampled, 2);
    add_bound(tree, 701, "4", 9'500);
    add_bound(tree, 701, "4", 9'510, "/sample2");
    add_bound(tree, 702, "5", 300);
    add_bound(tree, 702, "5", 490, "/sample2");
    find(tree, host);
    CHECK(protected_cpus(protections(host, {})) == CpuSet{5});
  }
}

}  // namespace irqtune::test
