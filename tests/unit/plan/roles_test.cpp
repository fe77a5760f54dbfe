// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

#include <vector>

namespace irqtune::test {

namespace {

/// The roles of a device's vectors, "pap": primary, auxiliary, primary.
std::string roles(const Host& host) {
  std::string text;
  for (const auto& assignment : make_plan(host, {}).assignments) {
    text += role_text(assignment.role).substr(0, 1);
  }
  return text;
}

Host with_device(std::uint32_t class_code, std::uint32_t vendor, std::uint32_t id, int vectors) {
  auto host = make_host({.nodes = 1, .cores = 4});
  auto& device = add_device(host, "0000:3b:00.0", NodeId{0});
  device.class_code = class_code;
  device.vendor = vendor;
  device.device = id;
  for (int i = 0; i < vectors; ++i) {
    add_vector(host, "0000:3b:00.0", "0");
  }
  return host;
}

}  // namespace

TEST_CASE("without rates the device's kind tells which vectors carry data", "[plan][roles]") {
  CHECK(roles(with_device(0x010802, 0x1b36, 0x0010, 3)) == "app");  // NVMe
  CHECK(roles(with_device(0x020000, 0x1af4, 0x1041, 3)) == "app");  // virtio-net
  CHECK(roles(with_device(0x020000, 0x8086, 0x10d3, 3)) == "ppa");  // e1000e
  CHECK(roles(with_device(0x020000, 0x8086, 0x10ca, 3)) == "ppa");  // igbvf
  CHECK(roles(with_device(0x020000, 0x8086, 0x10c9, 3)) == "app");  // igb
  CHECK(roles(with_device(0x020000, 0x8086, 0x15f3, 3)) == "app");  // igc
  CHECK(roles(with_device(0x020000, 0x8086, 0x10fb, 3)) == "ppa");  // ixgbe
  CHECK(roles(with_device(0x020000, 0x8086, 0x1515, 3)) == "ppa");  // ixgbevf
  CHECK(roles(with_device(0x020000, 0x8086, 0x1572, 3)) == "app");  // i40e
  CHECK(roles(with_device(0x020000, 0x8086, 0x1889, 3)) == "app");  // iavf
  CHECK(roles(with_device(0x020000, 0x8086, 0x1592, 3)) == "app");  // ice
  CHECK(roles(with_device(0x020000, 0x8086, 0x145c, 3)) == "app");  // idpf, a VF
  CHECK(roles(with_device(0x0b4000, 0x8086, 0x37c8, 3)) == "ppa");  // QAT
  CHECK(roles(with_device(0x020000, 0x15b3, 0x1004, 3)) == "app");  // mlx4, a VF
  CHECK(roles(with_device(0x020700, 0x15b3, 0x101b, 3)) == "app");  // mlx5, InfiniBand
  CHECK(roles(with_device(0x020000, 0x1ae0, 0x0042, 3)) == "ppa");  // gve
  CHECK(roles(with_device(0x020000, 0x15b3, 0x101e, 3)) == "app");  // mlx5
  CHECK(roles(with_device(0x020000, 0x1d0f, 0xec20, 3)) == "app");  // ENA
  CHECK(roles(with_device(0x020000, 0x14e4, 0x16d7, 3)) == "ppp");  // bnxt
  CHECK(roles(with_device(0x0c0330, 0x1b73, 0x1100, 1)) == "p");    // xHCI
  CHECK(roles(with_device(0x030000, 0x10de, 0x2204, 1)) == "p");    // GPU
  CHECK(roles(with_device(0x040300, 0x10de, 0x1aef, 1)) == "a");    // its audio function
}

TEST_CASE("a device's only vector is a primary", "[plan][roles]") {
  CHECK(roles(with_device(0x010802, 0x1b36, 0x0010, 1)) == "p");  // Else the first is auxiliary,
  CHECK(roles(with_device(0x020000, 0x8086, 0x10d3, 1)) == "p");  // or the last.
}

TEST_CASE("with rates, a vector with next to no traffic is an auxiliary", "[plan][roles]") {
  auto host = with_device(0x020000, 0x14e4, 0x16d7, 0);
  for (const double rate : {5000.0, 60.0, 40.0, 0.5}) {
    add_vector(host, "0000:3b:00.0", "0", rate);
  }
  CHECK(roles(host) == "ppaa");
}

TEST_CASE("the thresholds: 10/s tell, and 1/s and 1 % of the busiest are data", "[plan][roles]") {
  const auto nvme_with = [](const std::vector<double>& rates) {
    auto host = with_device(0x010802, 0x1b36, 0x0010, 0);
    for (const double rate : rates) {
      add_vector(host, "0000:3b:00.0", "0", rate);
    }
    return roles(host);
  };
  CHECK(nvme_with({9.9, 0}) == "ap");  // Too quiet to tell: the first is the admin queue's.
  CHECK(nvme_with({10, 0}) == "pa");
  CHECK(nvme_with({50, 1, 0.99}) == "ppa");
  CHECK(nvme_with({2000, 20, 19.9}) == "ppa");
  CHECK(nvme_with({20, 2000, 19.9}) == "ppa");  // The busiest, wherever it stands.
}

TEST_CASE("a rate near its threshold leaves a vector in place the role that its place shows",
          "[plan][roles]") {
  const auto role = [](double rate, const std::string& cpu) {
    auto host = make_host({.nodes = 1, .cores = 4, .threads = 2});  // First threads 0-3
    add_device(host, "0000:3b:00.0", NodeId{0});
    add_vector(host, "0000:3b:00.0", "0", 1000);
    add_vector(host, "0000:3b:00.0", cpu, rate);
    return roles(host);
  };
  CHECK(role(6, "1") == "pp");  // 10/s is the threshold.
  CHECK(role(4, "1") == "pa");
  CHECK(role(19, "5") == "pa");
  CHECK(role(21, "5") == "pp");
  CHECK(role(6, "0-7") == "pa");  // A wide mask shows nothing.
  CHECK(role(19, "0-7") == "pp");
}

TEST_CASE("rates since boot, and rates that are not known, make nothing auxiliary",
          "[plan][roles]") {
  auto host = with_device(0x020000, 0x14e4, 0x16d7, 0);
  add_vector(host, "0000:3b:00.0", "0", 1000);
  add_vector(host, "0000:3b:00.0", "0", 0);
  CHECK(roles(host) == "pa");
  host.rate_source = RateSource::since_boot;
  CHECK(roles(host) == "pp");
  host.rate_source = RateSource::sampled;
  host.irqs[1].rates_known = false;
  CHECK(roles(host) == "pp");
}

TEST_CASE("rates of a quiet device, and of posted vectors, tell nothing", "[plan][roles]") {
  auto host = with_device(0x010802, 0x1b36, 0x0010, 0);
  add_vector(host, "0000:3b:00.0", "0", 4);
  add_vector(host, "0000:3b:00.0", "0", 0);
  CHECK(roles(host) == "ap");
  host.irqs[0].rates = {{0, 400}};
  CHECK(roles(host) == "pa");
  host.irqs[1].posted = Posted::posted;
  CHECK(roles(host) == "pp");
}

TEST_CASE("a host driver's names tell which interrupts carry no data", "[plan][roles]") {
  auto host = make_host({.nodes = 1, .cores = 2});
  add_host_irq(host, "nvme0q0", "0");
  add_host_irq(host, "eth0-TxRx-0", "0");
  add_host_irq(host, "PCIe PME", "0").actions.emplace_back("aerdrv");
  add_host_irq(host, "PCIe PME", "0").actions.emplace_back("eth1");  // It shares the line.
  Policy policy;
  policy.scope = Scope::all;
  const auto plan = make_plan(host, policy);
  REQUIRE(plan.assignments.size() == 4);
  CHECK(plan.assignments[0].role == Role::auxiliary);
  CHECK(plan.assignments[1].role == Role::primary);
  CHECK(plan.assignments[2].role == Role::auxiliary);
  CHECK(plan.assignments[3].role == Role::primary);
}

}  // namespace irqtune::test
