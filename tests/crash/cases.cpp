// SPDX-License-Identifier: Apache-2.0
#include "crash/cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <string_view>

#include <fcntl.h>
#include <sys/syscall.h>

namespace irqtune::test {

namespace {

using Kind = Action::Kind;

void add_cases(const std::string& command, const Call& call, std::vector<Case>& cases) {
  const auto add = [&](Kind kind, int error, bool sticky) {
    cases.push_back({{{command, call.index, {kind, error}, sticky, false, call.number}}});
  };
  add(Kind::kill_before, 0, false);
  add(Kind::interrupt, 0, false);
  if (!changes_something(call)) {
    return;
  }
  add(Kind::kill_after, 0, false);
  for (const int error : {EIO, ENOSPC}) {
    add(Kind::fail, error, false);
    add(Kind::fail, error, true);
  }
  if (call.number == SYS_write || call.number == SYS_pwrite64) {
    add(Kind::cut, 0, false);
  }
}

}  // namespace

std::string Fault::text() const {
  static const std::map<Kind, std::string_view> kNames = {{Kind::kill_before, "kill before"},
                                                          {Kind::kill_after, "kill after"},
                                                          {Kind::fail, "fail"},
                                                          {Kind::cut, "cut short"},
                                                          {Kind::interrupt, "SIGTERM in"},
                                                          {Kind::go_on, "nothing at"}};
  return fmt::format("{}: {} {}call {} (system call {}), error {}{}",
                     command,
                     kNames.at(action.kind),
                     ordinal ? "changing " : "",
                     at,
                     number,
                     action.error,
                     sticky ? ", from there on" : "");
}

std::string Case::text() const {
  std::string out;
  for (const auto& fault : faults) {
    out += (out.empty() ? "" : "; then ") + fault.text();
  }
  return out;
}

/// A system call that can change something, by which the cases are chosen.
bool changes_something(const Call& call) {
  static const std::set<std::uint64_t> kNumbers = {
      SYS_write,
      SYS_pwrite64,
      SYS_fsync,
      SYS_ftruncate,
      SYS_mkdirat,
      SYS_flock,
      SYS_unlinkat,
      SYS_renameat,
      SYS_renameat2,
      SYS_fdatasync,
  };
  const bool creates = call.number == SYS_openat && (call.args[2] & O_CREAT) != 0;
  return creates || kNumbers.contains(call.number);
}

/// True if the journal is on disk (file, its name, its directory) before the first mask is written:
/// what a loss of power, unlike SIGKILL, would tell.
bool journal_goes_first(const std::vector<Call>& calls) {
  const auto is = [](std::uint64_t number) {
    return [number](const Call& call) { return call.number == number; };
  };
  const auto name = std::ranges::find_if(calls, is(SYS_renameat));
  const auto folder = std::find_if(name, calls.end(), is(SYS_fsync));
  const bool file = std::find_if(calls.begin(), name, is(SYS_fsync)) != name;
  // Two such calls are the locks', for their PIDs; the next would be a mask.
  const auto masks = std::count_if(calls.begin(), folder, is(SYS_pwrite64));
  return file && folder != calls.end() && masks <= 2;
}

std::vector<Case> single_cases(const std::string& command,
                               const std::vector<Call>& calls,
                               std::mt19937& random) {
  std::set<std::uint64_t> changing;
  std::vector<Case> cases;
  for (const auto& call : calls) {
    add_cases(command, call, cases);
    if (changes_something(call)) {
      changing.insert(call.index);
    }
  }
  std::ranges::shuffle(cases, random);
  // Not its like in std::ranges, which clang 14 cannot compile.
  std::stable_partition(cases.begin(), cases.end(), [&](const Case& one) {
    return changing.contains(one.faults.front().at);
  });
  return cases;
}

Case double_case(const std::vector<Call>& calls, std::mt19937& random) {
  constexpr std::array<Action, 5> kSecond = {{{Kind::kill_before, 0},
                                              {Kind::kill_after, 0},
                                              {Kind::interrupt, 0},
                                              {Kind::fail, EIO},
                                              {Kind::fail, ENOSPC}}};
  const auto changing =
      static_cast<std::uint64_t>(std::ranges::count_if(calls, &changes_something));
  const auto pick = [&](std::uint64_t below) {
    return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random);
  };
  const Fault first{"apply", pick(changing), kSecond.at(pick(2)), false, true, 0};
  const Fault second{pick(2) == 0 ? "apply" : "rollback",
                     pick(changing),
                     kSecond.at(pick(kSecond.size())),
                     false,
                     true,
                     0};
  return {{first, second}};
}

}  // namespace irqtune::test
