// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/catch.h"
#include "support/make_host.h"

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
  CHECK(roles(with_device(0x010802, 0x1b36, 0x0010, 1)) == "p");
}

TEST_CASE("with rates, a vector with next to no traffic is an auxiliary", "[plan][roles]") {
  auto host = with_device(0x020000, 0x14e4, 0x16d7, 0);
  for (const double rate : {5000.0, 60.0, 40.0, 0.5}) {
    add_vector(host, "0000:3b:00.0", "0", rate);
  }
  CHECK(roles(host) == "ppaa");
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

}  // namespace irqtune::test
