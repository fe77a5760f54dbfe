// SPDX-License-Identifier: Apache-2.0
// What irqtune prints for copying can be copied.
#include "irqtune/core/text.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

/// The words of a command line in which only single quotes quote.
Arguments shell_words(std::string_view line) {
  Arguments found;
  std::string word;
  bool quoted = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      found.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  found.push_back(std::move(word));
  return found;
}

/// Has it a word that stands for what the reader has to put there: "FILE", "0000:3b:00.0=N"?
bool has_placeholder(const Arguments& words) {
  return std::ranges::any_of(words, [](const std::string& word) {
    const auto value = word.substr(word.rfind('=') + 1);
    return !value.empty() &&
           std::ranges::all_of(value, [](char c) { return c >= 'A' && c <= 'Z'; });
  });
}

/// The commands in what was printed: between backticks, behind "with: ", or on a line of their own.
void collect(std::string_view text, std::set<std::string>& commands) {
  constexpr std::string_view kProgram = "irqtune ";
  for (const auto whole : split(text, '\n')) {
    const auto line = trimmed(whole);
    const auto with = line.find("with: irqtune ");
    if (line.starts_with(kProgram) && line.find(" lists ") == std::string_view::npos) {
      commands.emplace(line);
    } else if (with != std::string_view::npos) {
      commands.emplace(line.substr(with + 6));
    }
    for (auto at = line.find("`irqtune "); at != std::string_view::npos;
         at = line.find("`irqtune ", at + 1)) {
      const auto end = line.find('`', at + 1);
      REQUIRE(end != std::string_view::npos);
      commands.emplace(line.substr(at + 1, end - at - 1));
    }
  }
}

void collect_remedies(const std::string& json, std::set<std::string>& commands) {
  const auto document = Json::parse(json);
  for (const auto& finding : document["findings"]) {
    for (const auto& step : finding["remedy"]) {
      collect(step.get<std::string>(), commands);
    }
  }
}

}  // namespace

TEST_CASE("cli: every command that is printed for copying runs, on the host it was printed for",
          "[cli][printed]") {
  const auto name = GENERATE(from_range(captures_with_vms()));
  const CapturedHost host(name);
  std::set<std::string> commands;
  const auto tell = [&](const Arguments& arguments) {
    const auto ran = on(host, arguments);
    collect(ran.out, commands);
    collect(ran.err, commands);
  };
  for (const auto& arguments : {Arguments{"show"},
                                {"plan"},
                                {"plan", "--avoid", "0", "--no-protect-siblings"},
                                {"check"},
                                {"check", "--avoid", "0"},
                                {"explain", "99999"},
                                {"explain", "cpu99999"},
                                {"rollback", "20260101T000000Z-0001"},
                                {"apply", "--policy", "avoid"},
                                {"apply", "-n"},
                                {"history"}}) {
    tell(arguments);
  }
  collect_remedies(on(host, {"diagnose", "--json", "--avoid", "0"}).out, commands);
  CHECK(commands.size() > 3);
  for (const auto& command : commands) {
    auto words = shell_words(command);
    if (has_placeholder(words)) {
      continue;
    }
    CAPTURE(command);
    CHECK(command.find(" --root " + host.root().string()) != std::string::npos);
    words.erase(words.begin());
    const auto ran = run(words);
    INFO(ran.err);
    CHECK(ran.code != 2);
    CHECK(ran.code != 1);
  }
}

}  // namespace irqtune::test
