// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "support/catch.h"
#include "support/hosts/fake_tree.h"

#include <fmt/format.h>

#include <string>

namespace irqtune::test {

TEST_CASE("text: trimmed at both ends, NUL bytes too", "[core][text]") {
  using namespace std::string_view_literals;
  CHECK(trimmed(" \t a b\r\n\0"sv) == "a b");
  CHECK(trimmed("") == "");
  CHECK(trimmed(" \n") == "");
}

TEST_CASE("text: taking parts and words from the front", "[core][text]") {
  std::string_view rest = "a::b";
  CHECK(take_until(rest, ':') == "a");
  CHECK(take_until(rest, ':') == "");
  CHECK(take_until(rest, ':') == "b");
  CHECK(take_until(rest, ':') == "");
  rest = "  one\ttwo ";
  CHECK(take_word(rest) == "one");
  CHECK(take_word(rest) == "two");
  CHECK(take_word(rest) == "");
  CHECK(rest.empty());
}

TEST_CASE("text: splitting keeps empty parts, words do not", "[core][text]") {
  using Parts = std::vector<std::string_view>;
  CHECK(split("a,,b,", ',') == Parts{"a", "", "b", ""});
  CHECK(split("", ',').empty());
  CHECK(split(",", ',') == Parts{"", ""});
  CHECK(words(" a\tb\n c ") == Parts{"a", "b", "c"});
  CHECK(words(" \n").empty());
}

TEST_CASE("text: a number is all of the text, or none", "[core][text]") {
  CHECK(parse_number<int>("12") == 12);
  CHECK(parse_number<int>("-1") == -1);
  for (const auto* text : {"", " 1", "1 ", "+1", "1x", "0x1", "99999999999"}) {
    INFO(text);
    CHECK_FALSE(parse_number<int>(text));
  }
  CHECK_FALSE(parse_number<std::uint32_t>("-1"));
  CHECK(parse_hex<std::uint32_t>("0x8086") == 0x8086);
  CHECK(parse_hex<std::uint32_t>("8086") == 0x8086);
  CHECK_FALSE(parse_hex<std::uint32_t>("0x"));
  CHECK_FALSE(parse_hex<std::uint32_t>("0x0x1"));
}

TEST_CASE("text: globs", "[core][text]") {
  struct Row {
    const char* pattern;
    const char* text;
    bool matches;
  };

  const auto row = GENERATE(Row{"", "", true},
                            Row{"", "a", false},
                            Row{"*", "", true},
                            Row{"*", "anything/at.all", true},
                            Row{"0000:3b:*", "0000:3b:00.1", true},
                            Row{"0000:3b:*", "0000:3c:00.1", false},
                            Row{"*.0", "0000:3b:00.0", true},
                            Row{"*a*b*c", "xxaxxbxxbxc", true},
                            Row{"*a*b*c", "xxaxxcxxb", false},
                            Row{"vm?", "vm1", true},
                            Row{"vm?", "vm", false},
                            Row{"vm[1-3]", "vm2", true},
                            Row{"vm[1-3]", "vm4", false},
                            Row{"vm[!1-3]", "vm4", true},
                            Row{"vm[^1-3]", "vm2", false},
                            Row{"vm[]]", "vm]", true},
                            Row{"vm[a-]", "vm-", true},
                            Row{"vm[", "vm[", true},
                            Row{"vm[ab", "vm[ab", true},
                            Row{"vm[ab", "vma", false},
                            Row{"**", "x", true},
                            Row{"a*", "b", false});
  INFO(row.pattern << " against " << row.text);
  CHECK(matches_glob(row.pattern, row.text) == row.matches);
}

TEST_CASE("text: a hostile glob ends soon", "[core][text]") {
  std::string pattern;
  for (int i = 0; i < 500; ++i) {
    pattern += "a*";
  }
  CHECK_FALSE(matches_glob(pattern + "b", std::string(5000, 'a')));
}

TEST_CASE("text: what a terminal would obey is not printed", "[core][text]") {
  CHECK(printable("vm\x1b[31m") == "vm?[31m");
  CHECK(printable("a\nb\tc\x7f") == "a?b?c?");
  CHECK(printable("Fr\xc3\xa9"
                  "d\xc3\xa9ric \xe2\x82\xac \xf0\x9f\x90\xa7") ==
        "Fr\xc3\xa9"
        "d\xc3\xa9ric \xe2\x82\xac \xf0\x9f\x90\xa7");
  CHECK(printable("\xc2\x9b"
                  "31m") == "?31m");               // CSI of C1
  CHECK(printable("\xc0\xaf") == "??");            // Overlong
  CHECK(printable("\xed\xa0\x80") == "???");       // Surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "????");  // Beyond U+10FFFF
  CHECK(printable("\xe2\x82") == "??");            // Cut off
  CHECK(printable("\xff") == "?");
  CHECK(printable("a\xe2\x80\xae"
                  "b\xe2\x80\xa8"
                  "c\xf3\xa0\x81\x81") == "a?b?c?");  // Right to left, a new line, a tag
}

TEST_CASE("text: a character is its code", "[core][text]") {
  CHECK(first_character("ab").code == 'a');
  CHECK(first_character("\xc3\xa9").code == 0xe9);
  CHECK(first_character("\xe2\x82\xac").code == 0x20ac);
  CHECK(first_character("\xf0\x9f\x90\xa7x").code == 0x1f427);
  CHECK(first_character("\xf0\x9f\x90\xa7x").bytes == 4);
  CHECK(first_character("\xff").bytes == 0);
  CHECK(first_character("").bytes == 0);
}

TEST_CASE("text: a word for a shell is that word there, and can be shown", "[core][text]") {
  CHECK(shell_word("eth0-rx.1") == "eth0-rx.1");
  CHECK(shell_word("it's $(id)") == "'it'\\''s $(id)'");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("a\x1b'\\n%s\xff") == "\"$(printf %b 'a\\0033\\0047\\0134n%s\\0377')\"");
  for (const std::string word : {"a\x1b[2J'\\n%s\xff$(id)`id`\"b", "two\nlines 12\x7f 7", "-n"}) {
    CHECK(printable(shell_word(word)) == shell_word(word));
    const FakeTree tree{{"/word", word}};
    const auto command =
        fmt::format("test \"$(cat {}/word)\" = {}", tree.root().string(), shell_word(word));
    // NOLINTNEXTLINE(concurrency-mt-unsafe,cert-env33-c): a word is for a shell
    CHECK(std::system(command.c_str()) == 0);
  }
}

TEST_CASE("text: the nearest name", "[core][text]") {
  const std::vector<std::string> names{"show", "plan", "apply", "rollback"};
  CHECK(nearest_name("aply", names) == "apply");
  CHECK(nearest_name("shwo", names) == "show");  // A swap is one slip.
  CHECK(nearest_name("pln", names) == "plan");
  CHECK(nearest_name("rolback", names) == "rollback");
  CHECK(nearest_name("SHOW", names) == "show");
  CHECK(nearest_name("db1", {"DB1", "db22"}) == "DB1");
  CHECK(nearest_name("nonsense", names).empty());
  CHECK(nearest_name("", names).empty());
  CHECK(nearest_name("plan", {}).empty());
  CHECK(nearest_name(std::string(100000, 'a'), names).empty());
}

TEST_CASE("text: counts and words for people", "[text]") {
  CHECK(counted(0, "vector") == "0 vectors");
  CHECK(counted(1, "vector") == "1 vector");
  CHECK(counted(2, "vector") == "2 vectors");
  CHECK(shell_word("web-1.example:2") == "web-1.example:2");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("a b") == "'a b'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("vm*") == "'vm*'");
}

TEST_CASE("text: the beginning of a name will do for the nearest", "[text]") {
  const std::vector<std::string> names{"show", "diagnose", "snapshot", "irq-shared-guests"};
  CHECK(nearest_name("diag", names) == "diagnose");
  CHECK(nearest_name("irq-shared", names) == "irq-shared-guests");
  CHECK(nearest_name("shwo", names) == "show");
  CHECK(nearest_name("d", names).empty());
  CHECK(nearest_name("nonsense", names).empty());
}

TEST_CASE("globs of which any may match, or be the name itself", "[core][text]") {
  const std::vector<std::string> globs = {"web*", "a[1]"};
  CHECK(matches_any(globs, "web2"));
  CHECK(matches_any(globs, "a1"));
  CHECK(matches_any(globs, "a[1]"));
  CHECK_FALSE(matches_any(globs, "a[2]"));
  CHECK_FALSE(matches_any({}, "web2"));
}

}  // namespace irqtune::test
