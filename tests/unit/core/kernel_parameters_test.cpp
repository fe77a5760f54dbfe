// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/kernel_parameters.h"

#include "support/catch.h"

#include <string>

namespace irqtune::test {

namespace {

CpuParameters read(const std::string& cmdline, std::optional<int> last_cpu = 15) {
  return cpu_parameters(parse_kernel_parameters(cmdline), last_cpu);
}

std::string text(const std::optional<CpuSet>& cpus) {
  return cpus ? cpus->to_list() : "?";
}

}  // namespace

TEST_CASE("kernel parameters: names, values, quotes, and what is for init", "[core]") {
  const auto parameters = parse_kernel_parameters(
      "BOOT_IMAGE=/vmlinuz  quiet dyndbg=\"file a.c +p\" isolcpus=managed_irq,2-3 "
      "\"intel-iommu=on\" isolcpus=4 -- single\n");
  CHECK(parameters == KernelParameters{{"BOOT_IMAGE", "/vmlinuz"},
                                       {"quiet", ""},
                                       {"dyndbg", "file a.c +p"},
                                       {"isolcpus", "managed_irq,2-3"},
                                       {"intel_iommu", "on"},
                                       {"isolcpus", "4"}});
  CHECK(find_parameter(parameters, "isolcpus")->value == "4");
  CHECK(find_parameter(parameters, "single") == nullptr);
  CHECK(parameter_text(parameters[1]) == "quiet");
  CHECK(parameter_text(parameters[5]) == "isolcpus=4");
}

TEST_CASE("kernel parameters: words among values", "[core]") {
  CHECK(has_word("nohz,domain,2-3", "domain"));
  CHECK_FALSE(has_word("nodomain,2-3", "domain"));
  const auto found = [](const std::string& cmdline, std::string_view word, std::string_view undo) {
    return find_word(parse_kernel_parameters(cmdline), "intremap", word, undo) != nullptr;
  };
  CHECK(found("intremap=off", "off", "on"));
  CHECK_FALSE(found("intremap=off quiet intremap=on", "off", "on"));
  CHECK(found("intremap=on,off", "off", "on"));
  CHECK(found("intremap=nopost intremap=on", "nopost", ""));
  CHECK_FALSE(found("iommu=off", "off", "on"));
}

TEST_CASE("kernel parameters: every form of a list", "[core]") {
  const auto [list, cpus] = GENERATE(table<std::string, std::string>({
      {"2-3", "2-3"},
      {"\"2,3\"", "2-3"},
      {"1,3-5,9", "1,3-5,9"},
      {"8-N", "8-15"},
      {"N", "15"},
      {"all", "0-15"},
      {"0-15:2/4", "0-1,4-5,8-9,12-13"},
      {"0-N:1/8", "0,8"},
      {"all:1/2", "0,2,4,6,8,10,12,14"},
      {"2-3,,5", "2-3,5"},
  }));
  CAPTURE(list);
  CHECK(text(read("irqaffinity=" + list).irqaffinity) == cpus);
  CHECK(text(read("nohz_full=" + list).nohz_full) == cpus);
  CHECK(text(read("rcu_nocbs=" + list).rcu_nocbs) == cpus);
  CHECK(read("irqaffinity=" + list).refused.empty());
}

TEST_CASE("kernel parameters: flags of isolcpus", "[core]") {
  struct Row {
    std::string value, domain, managed_irq, nohz;
  };

  const auto row = GENERATE(values<Row>({
      {"2-3", "2-3", "?", "?"},
      {"domain,2-3", "2-3", "?", "?"},
      {"managed_irq,2-3", "?", "2-3", "?"},
      {"domain,managed_irq,2-3,8", "2-3,8", "2-3,8", "?"},
      {"managed_irq,domain,2-N", "2-15", "2-15", "?"},
      {"nohz,2-3", "?", "?", "2-3"},
      {"nohz,domain,managed_irq,2-3", "2-3", "2-3", "2-3"},
      {"some_day,2-3", "2-3", "?", "?"},  // A flag that is not known is passed over.
  }));
  const auto found = read("isolcpus=" + row.value);
  CAPTURE(row.value);
  CHECK(text(found.domain) == row.domain);
  CHECK(text(found.managed_irq) == row.managed_irq);
  CHECK(text(found.nohz_full) == row.nohz);
  CHECK(found.refused.empty());
}

TEST_CASE("kernel parameters: of several, the first or the last counts", "[core]") {
  CHECK(text(read("irqaffinity=1 irqaffinity=2").irqaffinity) == "2");
  CHECK(text(read("rcu_nocbs=1 rcu_nocbs=2").rcu_nocbs) == "2");
  CHECK(text(read("isolcpus=1 isolcpus=2").domain) == "1");
  CHECK(text(read("isolcpus=managed_irq,1 isolcpus=2").domain) == "2");
  CHECK(text(read("nohz_full=1 nohz_full=2").nohz_full) == "1");
  CHECK(text(read("rcu_nocbs").rcu_nocbs).empty());
}

TEST_CASE("kernel parameters: what is no list is named", "[core]") {
  const auto token = GENERATE(as<std::string>{},
                              "isolcpus=2-x",
                              "isolcpus=managed_irq,domain,3-2",
                              "isolcpus=managed-irq,2-3",
                              "nohz_full=2;3",
                              "irqaffinity=0x3",
                              "rcu_nocbs=2-3:4");
  const auto found = read(token);
  CAPTURE(token);
  CHECK(found.refused == std::vector{token});
  CHECK_FALSE(found.domain);
  CHECK_FALSE(found.nohz_full);
  CHECK_FALSE(found.irqaffinity);
  CHECK_FALSE(found.rcu_nocbs);
  CHECK_FALSE(read("quiet isolcpus nohz_full=").nohz_full);
}

TEST_CASE("kernel parameters: where the last CPU is not known, no list is guessed", "[core]") {
  const auto found = read("isolcpus=2-N nohz_full=all irqaffinity=0-1", std::nullopt);
  CHECK_FALSE(found.domain);
  CHECK_FALSE(found.nohz_full);
  CHECK(text(found.irqaffinity) == "0-1");
  CHECK(found.refused.empty());
}

}  // namespace irqtune::test
