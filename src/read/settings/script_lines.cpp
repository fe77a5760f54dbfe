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

/// True if the line may write a file whose name is not in it, or is: "echo 3 > $f", "cp m $f",
/// "dd of=$f", "f.write(mask)".
bool may_write(std::string_view line) {
  const auto parts = words(line);
  const bool copies = !parts.empty() && (parts.front() == "cp" || has(line, " cp ")) &&
                      (has(parts.back(), "$") || has(parts.back(), "smp_affinity"));
  return redirects_into_mask(line) || copies || has(line, "of=") || has(line, "tee ") ||
         has(line, "write(") || has(line, "write_text(");
}

/// The variable that a line redirects into ("f" of `> "$f"`, `> ${f}`); empty if into none.
std::string_view written_variable(std::string_view line) {
  const auto at = line.find('$', std::min(line.find('>'), line.size()));
  auto name = at == std::string_view::npos ? std::string_view() : line.substr(at + 1);
  name.remove_prefix(name.starts_with('{') ? 1 : 0);
  const auto end = name.find_first_of("}\"' \t;&|/");
  return name.substr(0, end);
}

/// True if the file gives the variable a name that has nothing to do with interrupts: a log's.
bool is_other_file(const std::vector<std::string_view>& lines, std::string_view variable) {
  const auto assignment = fmt::format("{}=", variable);
  return !variable.empty() && std::ranges::any_of(lines, [&](std::string_view line) {
    line = trimmed(line);
    return line.starts_with(assignment) && !has(line, "irq") && !has(line, "$");
  });
}

}  // namespace

bool is_comment(std::string_view line) {
  return line.empty() || line.starts_with('#') || line.starts_with(';');
}

bool redirects_into_mask(std::string_view line) {
  for (auto at = line.find('>'); at != std::string_view::npos; at = line.find('>', at + 1)) {
    auto rest = line.substr(at + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of("> \t\"'"), rest.size()));
    const auto target = rest.substr(0, rest.find_first_of(" \t;&|"));
    if (has(target, "smp_affinity") || target.starts_with('$')) {
      return true;
    }
  }
  return false;
}

bool runs_tuna(std::string_view line) {
  constexpr std::array<std::string_view, 8> kActions = {
      "-q", "--irqs", "-m", "--move", "move", "isolate", "spread", "include"};
  const auto parts = words(line);
  const auto tuna = std::ranges::find_if(parts, [](auto word) {
    return word == "tuna" || word.ends_with("/tuna") || word.ends_with("=tuna");
  });
  return tuna != parts.end() && std::any_of(tuna, parts.end(), [&](auto word) {
           return std::ranges::find(kActions, word) != kActions.end();
         });
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
    if (may_write(line) && !is_other_file(lines, written_variable(line))) {
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
  return (wide ? 2 : 0) + (may_write(line) ? 1 : 0);
}

}  // namespace irqtune
