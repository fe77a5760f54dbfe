// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/pci.h"

#include "support/catch.h"

namespace irqtune::test {

TEST_CASE("pci address: reads what it prints", "[core][pci]") {
  const auto* const text =
      GENERATE("0000:3b:00.0", "10000:e1:1f.7", "ffffffff:ff:1f.7", "0001:00:00.0");
  const auto address = PciAddress::parse(text);
  REQUIRE(address);
  CHECK(address->to_string() == text);
}

TEST_CASE("pci address: the domain may be left out; case does not matter", "[core][pci]") {
  CHECK(PciAddress::parse("3b:00.1") == PciAddress{0, 0x3b, 0, 1});
  CHECK(PciAddress::parse("0000:3B:1F.7") == PciAddress{0, 0x3b, 0x1f, 7});
}

TEST_CASE("pci address: anything else is none", "[core][pci]") {
  const auto* const text = GENERATE("",
                                    "3b",
                                    "3b:00",
                                    "0000:3b:00",
                                    "000:3b:00.0",
                                    "000000000:3b:00.0",
                                    "0000:3b:20.0",
                                    "0000:3b:00.8",
                                    "0000:3b:00.0 ",
                                    " 0000:3b:00.0",
                                    "0000:3b:00.00",
                                    "0000:3b:0.0",
                                    "0000:3b:00:0",
                                    "0000:00:3b:00.0",
                                    "-000:3b:00.0",
                                    "0000:3g:00.0",
                                    ":3b:00.0");
  INFO(text);
  CHECK_FALSE(PciAddress::parse(text));
}

TEST_CASE("pci address: ordered as sysfs numbers them", "[core][pci]") {
  CHECK(PciAddress::parse("0000:ff:00.0") < PciAddress::parse("0001:00:00.0"));
  CHECK(PciAddress::parse("0001:00:00.0") < PciAddress::parse("10000:00:00.0"));
  CHECK(PciAddress::parse("0000:3b:00.1") < PciAddress::parse("0000:3b:01.0"));
}

TEST_CASE("vfio handlers: the vector they stand for", "[core][pci]") {
  const auto text = GENERATE(as<std::string>(),
                             "vfio-msix[0](0000:3b:00.0)",
                             "vfio-msix[2047](10000:e1:00.0)",
                             "vfio-msi[3](0000:00:04.0)",
                             "vfio-intx(0000:00:04.0)");
  const auto vector = parse_vfio_action(text);
  REQUIRE(vector);
  CHECK(vfio_action_text(*vector) == text);
  CHECK(parse_vfio_action("vfio-msix[3](0000:3b:00.0)")->to_string() == "0000:3b:00.0/msix/3");
  CHECK(parse_vfio_action("vfio-intx(0000:00:04.0)")->to_string() == "0000:00:04.0/intx/0");
}

TEST_CASE("vfio handlers: anything else is none", "[core][pci]") {
  const auto* const text = GENERATE("",
                                    "vfio-",
                                    "vfio-msix",
                                    "vfio-msix[0]",
                                    "vfio-msix(0000:3b:00.0)",
                                    "vfio-msix[](0000:3b:00.0)",
                                    "vfio-msix[-1](0000:3b:00.0)",
                                    "vfio-msix[2048](0000:3b:00.0)",
                                    "vfio-msix[70000](0000:3b:00.0)",
                                    "vfio-msix[0](0000:3b:00.0)x",
                                    "vfio-msix[0](nonsense)",
                                    "vfio-msix[0]0000:3b:00.0",
                                    "vfio-msix[0(0000:3b:00.0)",
                                    "vfio-intx[0](0000:3b:00.0)",
                                    "vfio-err(0000:3b:00.0)",
                                    "vfio-irq[3](a003e00.virtio_mmio)",
                                    "xvfio-msix[0](0000:3b:00.0)",
                                    "eth0-rx-0");
  INFO(text);
  CHECK_FALSE(parse_vfio_action(text));
}

TEST_CASE("vector kinds: texts", "[core][pci]") {
  for (const auto kind : {VectorKind::intx, VectorKind::msi, VectorKind::msix}) {
    CHECK(parse_kind(kind_text(kind)) == kind);
  }
  CHECK_FALSE(parse_kind("MSIX"));
  CHECK_FALSE(parse_kind(""));
}

}  // namespace irqtune::test
