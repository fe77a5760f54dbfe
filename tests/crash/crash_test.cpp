// SPDX-License-Identifier: Apache-2.0

// Kills and starves the real program at its system calls, and looks at what is left. The program
// runs on a captured host below --root; after every case `irqtune rollback` must bring each file
// back to the byte, and the journal must tell the truth. A third of the cases disturb two runs one
// after the other: a rollback or a second apply on what a killed apply left. Some disturb a watch
// that puts a rebooted guest's vectors back; the next watch, or a rollback, goes on from there.
//
//   irqtune_crash PROGRAM CAPTURE.tar.gz [--cases N] [--seed N]
//
// N cases are 300, or what the environment's IRQTUNE_CRASH_CASES says. Exit code 77 (skipped, to
// CTest) where a process may not be traced.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <exception>

#include "crash/cases.h"
#include "crash/harness.h"

namespace irqtune::test {

namespace {

constexpr int kSkipped = 77;
constexpr std::size_t kReactions = 10;  ///< One in so many: each takes most of a second.

struct Options {
  std::size_t cases = 300;
  unsigned seed = 1;
};

/// Cases run and lost.
struct Score {
  std::size_t ran = 0;
  std::size_t lost = 0;

  void note(const std::string& what, const std::string& wrong) {
    ++ran;
    if (!wrong.empty()) {
      ++lost;
      fmt::print("LOST {}:{}\n", what, wrong);
    }
  }
};

/// Of cases in order of weight, three quarters from the front and one quarter spread over the rest.
std::vector<Case> chosen(std::vector<Case> cases, std::size_t count) {
  if (cases.size() <= count) {
    return cases;
  }
  const auto front = count - count / 4;
  const auto rest = cases.size() - front;
  for (std::size_t i = front; i < count; ++i) {
    cases[i] = cases[front + (i - front) * rest / (count - front)];
  }
  cases.resize(count);
  return cases;
}

void run_singles(Harness& harness, std::size_t count, std::mt19937& random, Score& score) {
  for (const std::string command : {"apply", "rollback"}) {
    const auto calls = harness.calls_of(command);
    if (command == "apply") {
      score.note("journal first", journal_goes_first(calls) ? "" : " a mask is written before it");
    }
    const auto all = single_cases(command, calls, random);
    const auto cases = chosen(all, count / 2);
    for (const auto& one : cases) {
      score.note(one.text(), harness.run(one));
    }
    fmt::print("{}: {} system calls, {} of them change something; {} of {} cases run\n",
               command,
               calls.size(),
               std::ranges::count_if(calls, &changes_something),
               cases.size(),
               all.size());
  }
}

/// A watch that is killed or starved while it puts a rebooted guest's vectors back.
void run_reactions(Harness& harness, std::size_t count, std::mt19937& random, Score& score) {
  const auto calls = harness.calls_of_reaction();
  auto all = single_cases("watch", calls, random);
  std::erase_if(all, [](const Case& one) {  // SIGTERM is how each of them ends.
    return one.faults.front().action.kind == Action::Kind::interrupt;
  });
  const auto cases = chosen(all, count);
  bool next = false;
  for (const auto& one : cases) {
    next = !next;
    score.note(one.text() + (next ? "; then a watch" : ""),
               harness.run_reaction(one.faults.front(), next));
  }
  fmt::print(
      "a watch's reaction: {} system calls, {} of them change something; {} of {} cases run\n",
      calls.size(),
      std::ranges::count_if(calls, &changes_something),
      cases.size(),
      all.size());
}

void run_doubles(Harness& harness, std::size_t count, std::mt19937& random, Score& score) {
  const auto calls = harness.calls_of("apply");
  for (std::size_t i = 0; i < count; ++i) {
    const auto one = double_case(calls, random);
    score.note(one.text(), harness.run(one));
  }
  fmt::print("a killed apply, then a rollback or an apply disturbed: {} cases run\n", count);
}

int run(const std::string& program, const std::string& capture, const Options& options) {
  if (!can_trace()) {
    fmt::print("skipped: processes cannot be traced here\n");
    return kSkipped;
  }
  Harness harness(program, capture);
  std::mt19937 random(options.seed);
  Score score;
  const auto doubles = options.cases / 3;
  run_singles(harness, options.cases - doubles, random, score);
  run_doubles(harness, doubles, random, score);
  run_reactions(harness, options.cases / kReactions, random, score);
  score.note("fifty at once", harness.crowd(50));
  score.note("at the end", harness.is_whole() ? "" : " a file that no case should touch differs");
  for (const auto& [code, count] : harness.codes()) {
    fmt::print("fifty at once: exit code {}: {} times\n", code, count);
  }
  fmt::print("cases run: {}, lost: {} (seed {})\n", score.ran, score.lost, options.seed);
  return score.lost == 0 ? 0 : 1;
}

Options options_of(const std::vector<std::string>& arguments) {
  Options options;
  // No thread of ours changes the environment.
  if (const auto* cases = std::getenv("IRQTUNE_CRASH_CASES");  // NOLINT(concurrency-mt-unsafe)
      cases != nullptr) {
    options.cases = std::stoul(cases);
  }
  for (std::size_t i = 2; i + 1 < arguments.size(); i += 2) {
    if (arguments[i] == "--cases") {
      options.cases = std::stoul(arguments[i + 1]);
    } else if (arguments[i] == "--seed") {
      options.seed = static_cast<unsigned>(std::stoul(arguments[i + 1]));
    }
  }
  return options;
}

}  // namespace

}  // namespace irqtune::test

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() < 2) {
    fmt::print(stderr, "usage: irqtune_crash PROGRAM CAPTURE.tar.gz [--cases N] [--seed N]\n");
    return 2;
  }
  try {
    return irqtune::test::run(arguments[0], arguments[1], irqtune::test::options_of(arguments));
  } catch (const std::exception& error) {
    fmt::print(stderr, "irqtune_crash: {}\n", error.what());
    return 2;
  }
}
