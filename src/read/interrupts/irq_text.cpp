// SPDX-License-Identifier: Apache-2.0
#include "read/interrupts/irq_text.h"

#include "irqtune/core/text.h"

#include <algorithm>
#include <optional>
#include <string>

namespace irqtune {

namespace {

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\0';
}

/// One word of the text and how many blanks follow it.
struct Word {
  std::string_view text;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t blanks = 0;  ///< Behind it.
  bool last = false;
};

std::optional<Word> next_word(std::string_view text, std::size_t from) {
  while (from < text.size() && is_blank(text[from])) {
    ++from;
  }
  if (from == text.size()) {
    return std::nullopt;
  }
  Word word;
  word.begin = from;
  while (from < text.size() && !is_blank(text[from])) {
    ++from;
  }
  word.end = from;
  word.text = text.substr(word.begin, word.end - word.begin);
  while (from < text.size() && is_blank(text[from])) {
    ++from;
  }
  word.blanks = from - word.end;
  word.last = from == text.size();
  return word;
}

/// "edge" of "20-edge" or "-edge", "IVEC" of "-IVEC"; empty if the word is none of these.
std::string_view flow_of(std::string_view word) {
  const auto dash = word.find_first_not_of("0123456789");
  if (dash == std::string_view::npos || word[dash] != '-' || dash + 1 == word.size()) {
    return {};
  }
  const auto flow = word.substr(dash + 1);
  const bool letters = std::ranges::all_of(flow, [&](char c) {
    return (c >= 'a' && c <= 'z') || c == '_' || c == '-' || (dash == 0 && c >= 'A' && c <= 'Z');
  });
  return letters ? flow : std::string_view{};
}

/// The kernel's flow names of level-triggered lines vary: "level", "fasteoi", "ioapic-level".
std::string trigger_text(std::string_view flow) {
  if (flow.ends_with("fasteoi") || flow.ends_with("level")) {
    return "level";
  }
  return flow.ends_with("edge") ? "edge" : std::string(flow);
}

/// Moves a number at the end of `chip`, if another word stands before it, to `irq.hwirq`.
std::string_view take_hwirq(std::string_view chip, Irq& irq) {
  chip = trimmed(chip);
  auto start = chip.size();
  while (start > 0 && is_digit(chip[start - 1])) {
    --start;
  }
  if (start > 0 && start < chip.size() && is_blank(chip[start - 1])) {
    irq.hwirq = parse_number<std::uint64_t>(chip.substr(start));
    chip = trimmed(chip.substr(0, start));
  }
  return chip;
}

/// A chip and its flow in one word, as kernels before 3.19 print: "IR-IO-APIC-edge".
void set_old_chip(std::string_view chip, Irq& irq) {
  for (const std::string_view flow : {"edge", "level", "fasteoi"}) {
    if (chip.ends_with(flow) && chip.size() > flow.size() + 1 &&
        chip[chip.size() - flow.size() - 1] == '-') {
      irq.trigger = trigger_text(flow);
      chip.remove_suffix(flow.size() + 1);
      break;
    }
  }
  irq.chip = chip;
}

/// "oob-edge" behind a number and one blank: Dovetail's flow of an interrupt that it takes out of
/// band. Also another flow of this form, if it is set off from the names. Source: Xenomai's
/// Dovetail kernels, kernel/irq/proc.c show_interrupts().
bool is_flow_behind_number(const Word& word) {
  const bool letters = std::ranges::all_of(
      word.text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == '-'; });
  const bool known = word.text.ends_with("-edge") || word.text.ends_with("-level") ||
                     word.text.ends_with("-fasteoi");
  const bool set_off = !word.last && word.blanks >= 2;
  return letters && known && (set_off || word.text.starts_with("oob-"));
}

/// True if a number is the second word of a text whose blanks are all single, and not its last: a
/// copy lost the others.
bool is_squeezed_hwirq(std::string_view text, const Word& word) {
  const auto before = trimmed(text.substr(0, word.begin));
  const auto all = trimmed(text);
  const auto next = next_word(text, word.end);
  const bool sense = next && (next->text == "Edge" || next->text == "Level");
  return !word.last && !sense && !before.empty() && before.find(' ') == std::string_view::npos &&
         all.find("  ") == std::string_view::npos && all.find('\t') == std::string_view::npos;
}

/// What one word of the text says about where the chip ends; false if nothing.
bool ends_chip(std::string_view text, const Word& word, Irq& irq) {
  const auto before = text.substr(0, word.begin);
  if (word.text == "Level" || word.text == "Edge") {
    irq.trigger = lower_ascii(word.text);
    irq.chip = take_hwirq(before, irq);
    return true;
  }
  const bool set_off = word.last || word.blanks >= 2;  // Two blanks stand before the names.
  const auto flow = flow_of(word.text);
  const bool known = flow == "edge" || flow == "level" || flow == "fasteoi";
  if (!flow.empty() && (set_off || (known && word.text.front() != '-'))) {
    irq.trigger = trigger_text(flow);
    irq.hwirq = parse_number<std::uint64_t>(word.text.substr(0, word.text.find('-')));
    irq.chip = irq.hwirq ? trimmed(before) : take_hwirq(before, irq);
    return true;
  }
  const bool number = std::ranges::all_of(word.text, is_digit);
  if (!number || trimmed(before).empty()) {
    return false;
  }
  const auto next = next_word(text, word.end);
  const bool flow_follows = next && is_flow_behind_number(*next);
  if (set_off || flow_follows || is_squeezed_hwirq(text, word)) {
    irq.hwirq = parse_number<std::uint64_t>(word.text);
    irq.chip = trimmed(before);
    return true;
  }
  return false;
}

/// The flow that a word behind a number or "Level" is; empty if it is a name. Behind "Level" a
/// kernel with flow names prints "-name" too; some kernels set it off the number.
std::string_view flow_behind(const Word& word, const Irq& irq) {
  if (word.text.starts_with('-')) {
    return word.last ? std::string_view{} : flow_of(word.text);
  }
  return irq.trigger.empty() && is_flow_behind_number(word) ? word.text : std::string_view{};
}

/// Takes the flow at the start of what stands behind a number or "Level"; how many bytes it is.
std::size_t take_flow(std::string_view rest, Irq& irq) {
  const auto word = next_word(rest, 0);
  const auto flow = word ? flow_behind(*word, irq) : std::string_view{};
  if (flow.empty()) {
    return 0;
  }
  irq.trigger = irq.trigger.empty() ? trigger_text(flow) : irq.trigger;
  return word->end;
}

/// A row without number and flow: the chip ends at the first two blanks. Without these, and not
/// because all blanks of the text are single, there is one part; false then.
bool parse_plain(std::string_view text, Irq& irq) {
  const auto first = next_word(text, 0);
  if (!first) {
    return true;
  }
  if (parse_vfio_action(trimmed(text))) {  // No chip at all.
    add_actions(text, irq);
    return true;
  }
  set_old_chip(first->text, irq);
  if (!irq.trigger.empty()) {  // However many blanks stand before the names.
    add_actions(text.substr(first->end), irq);
    return true;
  }
  irq.chip.clear();
  for (auto word = first; word; word = next_word(text, word->end)) {
    if (word->blanks >= 2 && !word->last) {
      set_old_chip(trimmed(text.substr(0, word->end)), irq);
      add_actions(text.substr(word->end), irq);
      return true;
    }
  }
  const auto blanks = first->begin;
  if (blanks >= 2) {
    set_old_chip(trimmed(text), irq);
    return !irq.trigger.empty();
  }
  set_old_chip(first->text, irq);
  add_actions(text.substr(first->end), irq);
  return true;
}

}  // namespace

void add_actions(std::string_view text, Irq& irq) {
  while (!text.empty()) {
    const auto comma = text.find(", ");
    const auto name = trimmed(text.substr(0, comma));
    if (!name.empty()) {
      irq.actions.emplace_back(name);
    }
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 2);
  }
}

bool parse_irq_text(std::string_view text, Irq& irq) {
  for (auto word = next_word(text, 0); word; word = next_word(text, word->end)) {
    if (parse_vfio_action(word->text)) {
      break;  // What looks like a number behind this is part of a name.
    }
    if (!ends_chip(text, *word, irq)) {
      continue;
    }
    const auto rest = text.substr(word->end);
    add_actions(rest.substr(take_flow(rest, irq)), irq);
    return true;
  }
  return parse_plain(text, irq);
}

}  // namespace irqtune
