// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/cpu_set.h"

#include "irqtune/core/error.h"

#include "support/catch.h"

namespace irqtune {

TEST_CASE("CpuSet: list form survives a round trip", "[core]") {
  const auto text = GENERATE(as<std::string>{},
                             "",
                             "0",
                             "0-3",
                             "0-3,8",
                             "1,3,5",
                             "62-66,128",
                             "63",
                             "0-63",
                             "64-127",
                             "0,63-64,127-128,191");
  CAPTURE(text);
  REQUIRE(CpuSet::parse_list(text));
  CHECK(CpuSet::parse_list(text)->to_list() == text);
}

TEST_CASE("CpuSet: reads what the kernel and lscpu write and read", "[core]") {
  const auto [text, list] =
      GENERATE(table<std::string, std::string>({{"0 1", "0-1"},
                                                {"0,,1,", "0-1"},
                                                {"0-62:2",
                                                 "0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32,34,"
                                                 "36,38,40,42,44,46,48,50,52,54,56,58,60,62"},
                                                {"0-14:2/4", "0-1,4-5,8-9,12-13"},
                                                {" 3\n", "3"}}));
  CAPTURE(text);
  REQUIRE(CpuSet::parse_list(text));
  CHECK(CpuSet::parse_list(text)->to_list() == list);
}

TEST_CASE("CpuSet: mask form is most significant word first", "[core]") {
  CHECK(CpuSet::parse_mask("ff,00000000\n") == CpuSet::parse_list("32-39"));
  CHECK(CpuSet::parse_mask("00000000,00000000")->empty());
  CHECK_FALSE(CpuSet::parse_mask("xyz"));
  CHECK_FALSE(CpuSet::parse_mask("123456789"));
  CHECK_FALSE(CpuSet::parse_mask(""));
  CHECK(CpuSet::parse_list("0,33,95")->to_mask() == "80000000,00000002,00000001");
  CHECK(CpuSet{}.to_mask() == "0");
}

TEST_CASE("CpuSet: refuses what is not a list, and says why", "[core]") {
  const auto text = GENERATE(as<std::string>{},
                             "a",
                             "3-1",
                             "-1",
                             "1-",
                             "99999999",
                             "1;2",
                             "0-3:0",
                             "^3",
                             " (null)",
                             "4294967296",
                             "0-3:4/2");
  CAPTURE(text);
  std::string why;
  CHECK_FALSE(CpuSet::parse_list(text, &why));
  CHECK_FALSE(why.empty());
  CHECK_THROWS_AS(CpuSet::require_list(text, "--avoid"), Error);
}

TEST_CASE("CpuSet: set algebra keeps equality", "[core]") {
  const auto wide = *CpuSet::parse_list("0-3,200");
  CHECK((wide - CpuSet{200}) == *CpuSet::parse_list("0-3"));
  CHECK((wide & CpuSet{200, 5}) == CpuSet{200});
  CHECK((CpuSet{1} | CpuSet{64}) == CpuSet{1, 64});
  CHECK(wide.contains_all(CpuSet{0, 200}));
  CHECK_FALSE(wide.contains_all(CpuSet{0, 4}));
  CHECK(wide.intersects(CpuSet{200}));
  CHECK_FALSE(wide.intersects(CpuSet{199}));
  CHECK(wide.first() == 0);
  CHECK_FALSE(CpuSet{}.first());
  auto less = wide;
  less.erase(200);
  CHECK(less == *CpuSet::parse_list("0-3"));
}

TEST_CASE("CpuSet: what is wrong with a list can be shown", "[core]") {
  std::string why;
  CHECK_FALSE(CpuSet::parse_list("5-3:\x1b[31m", &why));
  CHECK(why == "range '5-3:?[31m' runs backwards");
}

TEST_CASE("CpuSet: ranges at the edges of words", "[core]") {
  for (const auto& [first, last] : {std::pair(0, 63), {0, 64}, {63, 64}, {64, 127}, {65, 200}}) {
    CpuSet one_by_one;
    for (int cpu = first; cpu <= last; ++cpu) {
      one_by_one.insert(cpu);
    }
    CpuSet range;
    range.insert_range(first, last);
    CHECK(range == one_by_one);
  }
  CpuSet none;
  none.insert_range(-5, -1);
  none.insert_range(7, 6);
  none.insert_range(CpuSet::kMaxCpus, CpuSet::kMaxCpus + 5);
  CHECK(none.empty());
  none.insert_range(-3, CpuSet::kMaxCpus + 3);
  CHECK(none.size() == CpuSet::kMaxCpus);
}

}  // namespace irqtune
