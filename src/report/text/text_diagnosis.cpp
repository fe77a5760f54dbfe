// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "report/text/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace irqtune {

namespace {

constexpr std::size_t kIndent = 10;
constexpr std::size_t kWidest = 100;  // Longer lines are hard to read.

/// `text` behind `label`, continued under itself.
std::string paragraph(std::string_view label, std::string_view text, const TextStyle& style) {
  const auto room = std::clamp<std::size_t>(style.width, kIndent + 20, kWidest) - kIndent;
  std::string out;
  for (const auto& line : wrapped(printable(text), room)) {
    out += fmt::format("{:<{}}{}\n", out.empty() ? label : "", kIndent, line);
  }
  return out;
}

/// The words that a label's colour is put on once the line is laid out.
std::string recolored(const std::string& text,
                      std::string_view label,
                      Tint tint,
                      const TextStyle& style) {
  return tinted(style, tint, label) + text.substr(label.size());
}

std::string label_of(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "NOTE";
    case Severity::warning:
      return "WARNING";
    case Severity::critical:
      break;
  }
  return "CRITICAL";
}

Tint tint_of(Severity severity) {
  switch (severity) {
    case Severity::info:
      return Tint::bold;
    case Severity::warning:
      return Tint::yellow;
    case Severity::critical:
      break;
  }
  return Tint::red;
}

std::string_view how_sure(Confidence confidence) {
  switch (confidence) {
    case Confidence::certain:
      return "certain, read off the kernel";
    case Confidence::likely:
      return "likely, from the evidence";
    case Confidence::possible:
      break;
  }
  return "possible, one of several explanations";
}

/// "[section]", "NAME=value", "<element/>": a line of a file.
bool is_file_line(std::string_view step) {
  const auto name = step.substr(0, step.find('='));
  const bool assigns =
      !name.empty() && name.size() < step.size() && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '.' || c == ' ';
      });
  return step.starts_with('[') || (assigns && trimmed(name).find(' ') == std::string_view::npos);
}

/// Printed as it is, so that it can be copied: what a step that ends in a colon announces, with all
/// lines of the file, and an XML fragment.
bool is_quoted(std::string_view step, std::string_view before, bool before_is_quoted) {
  return before.ends_with(':') || step.starts_with('<') || step.starts_with(' ') ||
         (before_is_quoted && is_file_line(step));
}

/// A step that is a command by itself: broken into lines, a part of it would be run.
bool is_command(std::string_view step) {
  constexpr std::array<std::string_view, 3> kPrograms = {"irqtune ", "systemctl ", "sysctl "};
  return std::ranges::any_of(kPrograms, [&](auto program) { return step.starts_with(program); });
}

/// Which of the steps are printed as they are.
std::vector<bool> quoted_steps(const std::vector<std::string>& steps) {
  std::vector<bool> quoted(steps.size(), false);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool first = i == 0;
    quoted[i] =
        is_quoted(steps[i], first ? std::string_view() : steps[i - 1], !first && quoted[i - 1]);
  }
  return quoted;
}

/// Steps are numbered where there are several.
std::string remedy_text(const std::vector<std::string>& steps, const TextStyle& style) {
  const auto quoted = quoted_steps(steps);
  const bool numbered = std::ranges::count(quoted, false) > 1;
  std::string out;
  std::size_t number = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (quoted[i]) {
      out += fmt::format("{:<{}}{}\n", "", kIndent + (numbered ? 5 : 2), printable(steps[i]));
      continue;
    }
    const auto step = (numbered ? fmt::format("{}. ", ++number) : std::string()) + steps[i];
    const std::string_view label = i == 0 ? "  do" : "";
    out += is_command(steps[i]) ? fmt::format("{:<{}}{}\n", label, kIndent, printable(step))
                                : paragraph(label, step, style);
  }
  return out;
}

std::string finding_text(const Finding& finding, const TextStyle& style) {
  const auto label = label_of(finding.severity);
  auto out =
      recolored(paragraph(label, finding.title, style), label, tint_of(finding.severity), style);
  out +=
      tinted(style,
             Tint::dim,
             fmt::format("{:<{}}{} ({})", "", kIndent, finding.id, how_sure(finding.confidence)));
  out += '\n';
  if (!finding.cost.empty()) {
    out += paragraph("  cost", finding.cost, style);
  }
  for (const auto& line : finding.evidence) {
    out += paragraph(&line == &finding.evidence.front() ? "  seen" : "", line, style);
  }
  return out + remedy_text(finding.remedy, style);
}

std::size_t count_of(const Diagnosis& diagnosis, Severity severity) {
  return static_cast<std::size_t>(
      std::ranges::count(diagnosis.findings, severity, &Finding::severity));
}

/// "1 critical, 2 warnings, 1 note"
std::string counts_text(const Diagnosis& diagnosis) {
  std::vector<std::string> parts;
  if (const auto count = count_of(diagnosis, Severity::critical); count > 0) {
    parts.push_back(fmt::format("{} critical", count));
  }
  if (const auto count = count_of(diagnosis, Severity::warning); count > 0) {
    parts.push_back(counted(count, "warning"));
  }
  if (const auto count = count_of(diagnosis, Severity::info); count > 0) {
    parts.push_back(counted(count, "note"));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string nothing_text(const Diagnosis& diagnosis, const TextStyle& style) {
  if (diagnosis.looked_at.empty()) {
    return tinted(style, Tint::yellow, "Nothing to look at: see the warnings.") + '\n';
  }
  return tinted(style,
                Tint::green,
                fmt::format("{} ({} looked at).",
                            diagnosis.chosen ? "None of the findings that were asked for"
                                             : "Nothing hurts on this host",
                            diagnosis.looked_at)) +
         '\n';
}

}  // namespace

std::string diagnosis_text(const Diagnosis& diagnosis, const TextStyle& style) {
  if (diagnosis.findings.empty()) {
    return nothing_text(diagnosis, style);
  }
  const auto worst = diagnosis.findings.front().severity;
  auto out = tinted(style,
                    worst == Severity::info ? Tint::green : tint_of(worst),
                    fmt::format("{}{}; nothing was changed.",
                                worst == Severity::info ? "Nothing hurts: " : "",
                                counts_text(diagnosis))) +
             '\n';
  for (const auto& finding : diagnosis.findings) {
    out += '\n' + finding_text(finding, style);
  }
  return out;
}

}  // namespace irqtune
