// SPDX-License-Identifier: Apache-2.0
#include "cli/parse/config_text.h"

#include "irqtune/core/error.h"

#include "support/catch.h"

#include <fmt/format.h>

namespace irqtune::test {

namespace {

/// "section.key=value|value@line" of each entry, joined by blanks.
std::string shown(std::string_view text) {
  std::string out;
  for (const auto& entry : parse_config_text(text, "file")) {
    out += fmt::format("{}{}.{}={}@{}",
                       out.empty() ? "" : " ",
                       entry.section,
                       entry.key,
                       fmt::join(entry.values, "|"),
                       entry.line);
  }
  return out;
}

std::string fault(std::string_view text) {
  try {
    return "none: " + shown(text);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
}

}  // namespace

TEST_CASE("config text: what it holds", "[config]") {
  CHECK(shown("").empty());
  CHECK(shown("\n  \n# x\n; y").empty());
  CHECK(shown("a = 1") == ".a=1@1");
  CHECK(shown("a=1\r\n[s]\r\nb = 2\r\n") == ".a=1@1 s.b=2@3");
  CHECK(shown("\xef\xbb\xbf[s]\na = 1") == "s.a=1@2");
  CHECK(shown("[ s ] # x\na\nb # y") == "s.a=true@2 s.b=true@3");
  CHECK(shown("s.a = 1\n[t]\nu.b = 2") == "s.a=1@1 t.u.b=2@3");
  CHECK(shown("\"a.b\" = 1") == ".a.b=1@1");
  CHECK(shown("a = \"x # y\" # z") == ".a=x # y@1");
  CHECK(shown("a = 'x\\y'\nb = \"x\\\\y\\\"\\t\"") == ".a=x\\y@1 .b=x\\y\"\t@2");
  CHECK(shown("a = x y # z") == ".a=x y@1");
  CHECK(shown("a = web=leave") == ".a=web=leave@1");
  CHECK(shown("a = \"\"") == ".a=@1");
}

TEST_CASE("config text: arrays", "[config]") {
  CHECK(shown("a = []") == ".a=@1");
  CHECK(shown("a = [1, '2', \"3,4\"]\nb=5") == ".a=1|2|3,4@1 .b=5@2");
  CHECK(shown("a = [\n  \"x\", # one\n\n  'y',\n]\nb = 1") == ".a=x|y@1 .b=1@6");
  CHECK(shown("a = [\"]\"]") == ".a=]@1");
}

TEST_CASE("config text: bare values are told apart", "[config]") {
  CHECK(parse_config_text("a = x, y", "file").at(0).bare);
  CHECK_FALSE(parse_config_text("a = 'x, y'", "file").at(0).bare);
  CHECK_FALSE(parse_config_text("a = [x, y]", "file").at(0).bare);
}

TEST_CASE("config text: faults have their line", "[config]") {
  CHECK(fault("\n= 1") == "file:2: no key before the =");
  CHECK(fault("a = # x") == "file:1: a: no value after the =");
  CHECK(fault("[s\na = 1") == "file:1: [s: no ] on this line");
  CHECK(fault("[s] x") == "file:1: x: not expected here");
  CHECK(fault("a = 'x") == "file:1: 'x: no ' on this line");
  CHECK(fault("a = \"x\ny\"") == "file:1: \"x: no \" on this line");
  CHECK(fault("a = \"x\" \"y\"") == "file:1: \"y\": not expected here");
  CHECK(fault("a = \"\"\"x\"\"\"") == "file:1: \"x\"\"\": not expected here");
  CHECK(fault("a = \"\\x\"").starts_with("file:1: a \\ in double quotes"));
  CHECK(fault("\na = [\n1,\n2") == "file:2: a: [ without ]");
  CHECK(fault("a = [1\n 'x' 'y']") == "file:2: a: no comma between two values");
  CHECK(fault("a = [\n'x' 'y']") == "file:2: a: no comma between two values");
  CHECK(fault("a = [1]]") == "file:1: ]: not expected here");
  CHECK(fault("\x1b[31m = 'x") == "file:1: 'x: no ' on this line");
}

}  // namespace irqtune::test
