// SPDX-License-Identifier: Apache-2.0
#include "read/settings/script_lines.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace irqtune {

namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

constexpr char kUnknown = '\x01';  // Stands for what a variable holds, where nothing says it.
constexpr int kDeepest = 4;        // Variables within variables.

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Without quotes and the like around it.
std::string_view bare(std::string_view word) {
  constexpr std::string_view kAround = "\"'`(){};&|@+!:";
  word.remove_prefix(std::min(word.find_first_not_of(kAround), word.size()));
  return word.substr(0, word.find_last_not_of(kAround) + 1);
}

/// The word at the beginning of `text`, which may begin with blanks and quotes.
std::string_view target_at(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of("> \t\"'"), text.size()));
  return text.substr(0, text.find_first_of(" \t;&|\"')`"));
}

/// What stands behind a `>`; behind the comma in Perl's `open(my $f, '>', "/proc/...")`.
std::string_view behind_arrow(std::string_view rest) {
  const bool quoted = rest.starts_with('"') || rest.starts_with('\'');
  const auto behind = quoted ? trimmed(rest.substr(1)) : std::string_view();
  return behind.starts_with(',') ? behind.substr(1) : rest;
}

/// The files that a line of a shell writes: "$f" of `echo 3 > "$f"`, `cp m $f`, `dd of=$f` and
/// `| tee -a $f`.
std::vector<std::string_view> targets_of(std::string_view line) {
  std::vector<std::string_view> targets;
  for (auto at = line.find('>'); at != std::string_view::npos; at = line.find('>', at + 1)) {
    targets.push_back(target_at(behind_arrow(line.substr(at + 1))));
  }
  if (const auto at = line.find("of="); at != std::string_view::npos) {
    targets.push_back(target_at(line.substr(at + 3)));
  }
  const auto parts = words(line);
  bool tee = false;
  for (const auto part : parts) {
    const auto word = bare(part);
    if (tee && !word.starts_with('-')) {
      targets.push_back(target_at(part));
    }
    tee = (tee && !part.ends_with(';')) || word == "tee" || word.ends_with("/tee");
  }
  const bool copies = std::ranges::any_of(
      parts, [](auto part) { return bare(part) == "cp" || bare(part) == "install"; });
  if (copies) {
    targets.push_back(target_at(parts.back()));
  }
  return targets;
}

/// What a line gives the variable: "a" of `f=a`, `local f="a"`; "a", "b" of `for f in a b; do`.
void add_values(std::string_view line,
                std::string_view variable,
                std::vector<std::string_view>& values) {
  const auto sets = fmt::format("{}=", variable);
  for (auto at = line.find(sets); at != std::string_view::npos; at = line.find(sets, at + 1)) {
    const bool whole = at == 0 || (!is_name(line[at - 1]) && line[at - 1] != '-');
    if (whole) {
      values.push_back(target_at(line.substr(at + sets.size())));
    }
  }
  const auto loops = fmt::format("for {} in ", variable);
  if (const auto at = line.find(loops); at != std::string_view::npos) {
    auto list = line.substr(at + loops.size());
    for (const auto word : words(take_until(list, ';'))) {
      values.push_back(target_at(word));
    }
  }
}

/// True if the name, of which parts may be unknown, can be that of a mask.
bool may_name_mask(std::string_view path) {
  const auto known = path.substr(0, path.find(kUnknown));
  constexpr std::string_view kProc = "/proc";
  const bool elsewhere =
      known.starts_with('/') && !known.starts_with(kProc) && !kProc.starts_with(known);
  const auto file = path.substr(path.rfind('/') + 1);
  const bool put_together = file.empty() && path.starts_with("/proc/irq/");  // awk's "..." $1 "..."
  return !elsewhere &&
         (put_together || has(file, "smp_affinity") || has(file, std::string_view(&kUnknown, 1)) ||
          has(file, "*") || has(file, "`"));
}

/// True if `path`, with the script's variables filled in, can be a mask. What a command prints
/// (`$(mktemp)`) is not known, but for the one that makes a file of its own.
bool may_be_mask(std::string path, const std::vector<std::string_view>& lines, int depth = 0) {
  if (const auto braces = path.find("{}"); braces != std::string::npos) {
    path.replace(braces, 2, 1, kUnknown);  // Of xargs and of find -exec.
  }
  const auto at = path.find('$');
  if (at == std::string::npos) {
    return may_name_mask(path);
  }
  const std::string_view rest = std::string_view(path).substr(at + 1);
  if (rest.starts_with("(mktemp")) {
    return false;
  }
  const std::size_t brace = rest.starts_with('{') ? 1 : 0;
  const auto end = static_cast<std::size_t>(std::ranges::find_if_not(rest.substr(brace), is_name) -
                                            rest.begin());
  const auto name = rest.substr(brace, end - brace);
  const auto close = brace == 0 ? end : std::min(rest.find('}'), rest.size() - 1) + 1;
  std::vector<std::string_view> values;
  for (const auto line : lines) {
    if (!name.empty() && depth < kDeepest && !is_comment(trimmed(line))) {
      add_values(line, name, values);
    }
  }
  const auto with = [&](std::string_view value) {
    return fmt::format("{}{}{}", std::string_view(path).substr(0, at), value, rest.substr(close));
  };
  if (values.empty()) {
    return may_be_mask(with(std::string_view(&kUnknown, 1)), lines, depth);
  }
  return std::ranges::any_of(
      values, [&](std::string_view value) { return may_be_mask(with(value), lines, depth + 1); });
}

/// True if the line may write a mask, of a name that is in it or not: "echo 3 > $f", "cp m $f",
/// "dd of=$f", "f.write(mask)".
bool may_write(std::string_view line, const std::vector<std::string_view>& lines) {
  return writes_mask(line, lines) || has(line, "write(") || has(line, "write_text(") ||
         has(line, "writeFile");
}

}  // namespace

bool is_comment(std::string_view line) {
  return line.empty() || line.starts_with('#') || line.starts_with(';');
}

bool writes_mask(std::string_view line, const std::vector<std::string_view>& lines) {
  const auto targets = targets_of(line);
  return std::ranges::any_of(
      targets, [&](std::string_view target) { return may_be_mask(std::string(target), lines); });
}

std::string_view tuna_word(std::string_view word) {
  constexpr std::array<std::string_view, 15> kWords = {"tuna",
                                                       "-q",
                                                       "--irqs",
                                                       "-m",
                                                       "--move",
                                                       "move",
                                                       "-x",
                                                       "--spread",
                                                       "spread",
                                                       "-i",
                                                       "--isolate",
                                                       "isolate",
                                                       "-I",
                                                       "--include",
                                                       "include"};
  word = bare(word);
  const bool irqs = word.starts_with("--irqs=") || (word.starts_with("-q") && word.size() > 2);
  word = irqs ? "--irqs" : word;
  const auto program = bare(word.substr(word.find_last_of("/=-") + 1));
  word = program == "tuna" ? program : word;
  const auto* const found = std::ranges::find(kWords, word);
  return found != kWords.end() ? *found : std::string_view();
}

bool runs_tuna(std::string_view line) {
  constexpr std::array<std::string_view, 6> kAll = {
      "isolate", "--isolate", "-i", "include", "--include", "-I"};
  bool tuna = false;
  bool irqs = false;
  bool moves = false;
  for (const auto word : words(line)) {
    const auto known = tuna_word(word);
    if (!tuna || known.empty()) {
      tuna = tuna || known == "tuna";
      continue;
    }
    if (std::ranges::find(kAll, known) != kAll.end()) {
      return true;  // Of threads and interrupts alike.
    }
    irqs = irqs || known == "-q" || known == "--irqs";
    moves = moves || (known != "-q" && known != "--irqs" && known != "tuna");
  }
  return irqs && moves;
}

std::vector<std::size_t> writing_lines(const std::vector<std::string_view>& lines) {
  std::vector<std::size_t> naming;
  std::vector<std::size_t> writing;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto line = trimmed(lines[i]);
    if (is_comment(line) || has(line, "irqtune")) {
      continue;
    }
    if (has(line, "smp_affinity")) {
      naming.push_back(i);
    }
    if (may_write(line, lines)) {
      writing.push_back(i);
    }
  }
  if (naming.empty() || writing.empty()) {
    return {};
  }
  naming.insert(naming.end(), writing.begin(), writing.end());
  std::ranges::sort(naming);
  naming.erase(std::unique(naming.begin(), naming.end()), naming.end());
  return naming;
}

int reach_of(std::string_view line) {
  const bool wide = has(line, "/proc/irq/*") || has(line, "default_smp_affinity") ||
                    has(line, "vfio") || has(line, "find /proc/irq");
  return (wide ? 2 : 0) + (may_write(line, {line}) ? 1 : 0);
}

}  // namespace irqtune
