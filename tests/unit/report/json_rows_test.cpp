// SPDX-License-Identifier: Apache-2.0
#include "report/json/json_rows.h"

#include "support/catch.h"

#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace irqtune {

namespace {

std::string made_of_values(const Json& list) {
  return document_text({{"before", 1}, {"rows", list}, {"after", "  \"rows\": []"}});
}

std::string made_of_rows(const std::function<void(JsonRows&)>& fill) {
  const Json document{{"before", 1}, {"rows", Json::array()}, {"after", "  \"rows\": []"}};
  std::ostringstream out;
  print_document(out, document, {{"rows", fill}});
  return out.str();
}

constexpr std::uint64_t kMost = 18446744073709551615U;

Json as_values(const std::string& text) {
  return {{"text", text},
          {"most", kMost},
          {"rate", 0.125},
          {"yes", true},
          {"none", nullptr},
          {"list", {text, 0}},
          {"empty list", Json::array()},
          {"empty object", Json::object()},
          {"deep", {{"list", Json::array({Json::array()})}}}};
}

void add_nested(JsonRows& rows, std::string_view text) {
  rows.name("list");
  rows.open('[');
  rows.value(text);
  rows.value(std::uint64_t{0});
  rows.close(']');
  rows.name("empty list");
  rows.open('[');
  rows.close(']');
  rows.name("empty object");
  rows.open('{');
  rows.close('}');
  rows.name("deep");
  rows.open('{');
  rows.name("list");
  rows.open('[');
  rows.open('[');
  rows.close(']');
  rows.close(']');
  rows.close('}');
}

void add_row(JsonRows& rows, std::string_view text) {
  rows.open('{');
  rows.name("text");
  rows.value(text);
  rows.name("most");
  rows.value(kMost);
  rows.name("rate");
  rows.json(0.125);
  rows.name("yes");
  rows.truth(true);
  rows.name("none");
  rows.null();
  add_nested(rows, text);
  rows.close('}');
}

}  // namespace

TEST_CASE("json rows: byte for byte what the document would print", "[report]") {
  const std::vector<std::string> texts{"",
                                       "vfio-msix[0](0000:3b:00.0)",
                                       R"(a "quoted" \ name)",
                                       "tab\tnewline\n\x01\x1f\x7f",
                                       std::string("nul\0 inside", 11),
                                       "\xc3\xbc and \xff, no UTF-8",
                                       "\n  \"rows\": []"};
  auto list = Json::array();
  for (const auto& text : texts) {
    list.push_back(as_values(text));
  }
  const auto fill = [&](JsonRows& rows) {
    for (const auto& text : texts) {
      add_row(rows, text);
    }
  };
  CHECK(made_of_rows(fill) == made_of_values(list));
}

TEST_CASE("json rows: a rate prints as its Json value does", "[report]") {
  std::vector<double> rates{0, 0.0004, 0.0005, 0.001, 0.1, 0.25, 1, 10, 999.9996, 41234.567, 1e6};
  rates.insert(rates.end(), {1e11, 123456789012.3456, 999999999999.9, 1e12, 1e15, 1e22, 1e300});
  rates.push_back(std::numeric_limits<double>::infinity());
  for (int i = 1; i < 3000; ++i) {
    rates.push_back(i / 86400.0);
    rates.push_back(i * 997.0 / 7);
  }
  auto list = Json::array();
  for (const auto rate : rates) {
    list.push_back(rate_or_null(rate));
  }
  const auto fill = [&](JsonRows& rows) {
    for (const auto rate : rates) {
      rows.value(rate);
    }
  };
  CHECK(made_of_rows(fill) == made_of_values(list));
}

TEST_CASE("json rows: longer than what is printed at once", "[report]") {
  const std::vector<std::string> texts{
      std::string(65530, 'a'), "b", std::string(200000, 'c'), std::string(65536, 'd'), "e\n"};
  auto list = Json::array();
  for (int i = 0; i < 3; ++i) {
    for (const auto& text : texts) {
      list.push_back({{"text", text}, {"deep", {text, 1}}});
    }
  }
  const auto fill = [&](JsonRows& rows) {
    for (int i = 0; i < 3; ++i) {
      for (const auto& text : texts) {
        rows.open('{');
        rows.name("text");
        rows.value(text);
        rows.name("deep");
        rows.open('[');
        rows.value(text);
        rows.value(std::uint64_t{1});
        rows.close(']');
        rows.close('}');
      }
    }
  };
  CHECK((made_of_rows(fill) == made_of_values(list)));
}

TEST_CASE("json rows: several lists of one document", "[report]") {
  const Json document{{"first", Json::array()},
                      {"text", "\n  \"second\": []"},
                      {"kept", Json::array()},
                      {"second", Json::array()}};
  auto expected = document;
  expected["first"] = Json::array({"a", "b"});
  expected["second"] = Json::array({"c"});
  std::ostringstream out;
  print_document(out,
                 document,
                 {{"first",
                   [](JsonRows& rows) {
                     rows.value("a");
                     rows.value("b");
                   }},
                  {"second", [](JsonRows& rows) { rows.value("c"); }}});
  CHECK(out.str() == document_text(expected));
}

TEST_CASE("json rows: no rows are an empty list", "[report]") {
  const auto fill = [](JsonRows&) {};
  CHECK(made_of_rows(fill) == made_of_values(Json::array()));
}

}  // namespace irqtune
