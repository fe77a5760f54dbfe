// SPDX-License-Identifier: Apache-2.0
#include "watch/events/samples.h"

#include "irqtune/core/text.h"

#include <cstring>

#include <linux/perf_event.h>

namespace irqtune {

namespace {

/// The number behind "offset:" of a part of a format line.
std::optional<std::size_t> number_behind(std::string_view line, std::string_view key) {
  for (const auto part : split(line, ';')) {
    const auto text = trimmed(part);
    if (text.starts_with(key)) {
      return parse_number<std::size_t>(trimmed(text.substr(key.size())));
    }
  }
  return std::nullopt;
}

/// Takes a value off the front; empty optional if there is not enough.
template <typename T>
std::optional<T> take(std::string_view& bytes) {
  T value{};
  if (bytes.size() < sizeof(T)) {
    return std::nullopt;
  }
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return value;
}

std::optional<VectorEvent> decode_sample(std::string_view body, std::size_t irq_offset) {
  const auto pid = take<std::uint32_t>(body);
  const auto tid = take<std::uint32_t>(body);
  const auto time = take<std::uint64_t>(body);
  const auto size = take<std::uint32_t>(body);
  if (!pid || !tid || !time || !size || *size > body.size() || irq_offset > *size) {
    return std::nullopt;
  }
  auto field = body.substr(irq_offset, *size - irq_offset);
  const auto irq = take<std::uint32_t>(field);
  return irq ? std::optional(VectorEvent{*irq, static_cast<int>(*pid), *time}) : std::nullopt;
}

}  // namespace

std::optional<std::size_t> field_offset(std::string_view format, std::string_view name) {
  for (const auto line : split(format, '\n')) {
    const auto declaration = trimmed(line.substr(0, line.find(';')));
    const auto blank = declaration.find_last_of(" \t");
    const bool found = declaration.starts_with("field:") && blank != std::string_view::npos &&
                       declaration.substr(blank + 1) == name;
    if (found && number_behind(line, "size:") == sizeof(std::uint32_t)) {
      return number_behind(line, "offset:");
    }
  }
  return std::nullopt;
}

namespace {

void take_sample(std::string_view body, std::size_t irq_offset, Samples& samples) {
  const auto event = decode_sample(body, irq_offset);
  samples.lost = samples.lost || !event;
  if (event) {
    samples.events.push_back(*event);
  }
}

}  // namespace

void decode_records(std::string_view records, std::size_t irq_offset, Samples& samples) {
  while (!records.empty()) {
    auto rest = records;
    const auto header = take<perf_event_header>(rest);
    if (!header || header->size < sizeof(perf_event_header) || header->size > records.size()) {
      samples.lost = true;
      return;
    }
    const auto body =
        records.substr(sizeof(perf_event_header), header->size - sizeof(perf_event_header));
    if (header->type == PERF_RECORD_SAMPLE) {
      take_sample(body, irq_offset, samples);
    } else if (header->type == PERF_RECORD_LOST) {
      samples.lost = true;
    }
    records.remove_prefix(header->size);
  }
}

}  // namespace irqtune
