// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// A vector was made or given a CPU: one event of irq_vectors:vector_setup or vector_update.
struct VectorEvent {
  std::uint32_t irq = 0;
  int pid = 0;                ///< Of the process in whose context it happened.
  std::uint64_t time_ns = 0;  ///< Of CLOCK_MONOTONIC
};

/// Where the field `name` stands in the raw data of a tracepoint, by the text of its `format` file;
/// empty optional if it has none of 4 bytes. Source: Linux Documentation/trace/events.rst.
[[nodiscard]] std::optional<std::size_t> field_offset(std::string_view format,
                                                      std::string_view name);

/// What the records of a ring come to.
struct Samples {
  std::vector<VectorEvent> events;
  bool lost = false;  ///< Some were dropped, or cannot be understood.
};

/// Decodes whole records as the kernel writes them for PERF_SAMPLE_TID | TIME | RAW, with the field
/// irq at `irq_offset` of the raw data. Never reads past `records`. Source: perf_event_open(2).
void decode_records(std::string_view records, std::size_t irq_offset, Samples& samples);

}  // namespace irqtune
