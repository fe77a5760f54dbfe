// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/drift.h"

#include "report/json/json.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// Prints one long list of a document, byte for byte as document_text() does. Thousands of rows as
/// Json values would cost more than reading the host does, and as one text more memory than it.
class JsonRows {
 public:
  /// Prints to `out`, where a value belongs, `depth` brackets deep.
  JsonRows(std::ostream& out, std::size_t depth);

  void open(char bracket);   ///< '{' or '['
  void close(char bracket);  ///< '}' or ']'

  /// The next value's name; needed in an object. Must hold nothing to escape.
  void name(std::string_view name);

  void value(std::string_view text);
  void value(std::uint64_t number);
  void value(double number);     ///< Interrupts per second, not negative; see rate_or_null().
  void json(const Json& value);  ///< For what is rare; on one line.
  void truth(bool value);
  void null();

  /// Prints what is still held back.
  void flush();

 private:
  void word(std::string_view word);
  char* begin(std::size_t room);
  void end(const char* at) noexcept;
  char* begin_line(char* at) const noexcept;
  char* room_for(std::size_t bytes);

  std::ostream& out_;
  std::vector<char> piece_;  ///< What is not printed yet: its first `used_` bytes.
  std::size_t used_ = 0;
  std::size_t depth_;
  bool first_ = true;  ///< Nothing stands in the innermost bracket yet.
  bool named_ = true;  ///< A name waits for its value.
};

// Members that several lists have; null where nothing is known.
void add_text(JsonRows& rows, std::string_view name, std::string_view text);
void add_cpus(JsonRows& rows, std::string_view name, const std::optional<CpuSet>& cpus);
void add_rate(JsonRows& rows, const std::optional<double>& rate);
void add_device(JsonRows& rows, const std::optional<PciAddress>& device);
void add_vector(JsonRows& rows, const std::optional<VectorId>& vector);
void add_posted(JsonRows& rows, const std::optional<Posted>& posted);

/// The member `name`, a list of texts.
void add_texts(JsonRows& rows, std::string_view name, const std::vector<std::string>& texts);

/// The list "irqs" of irqtune.host/1.
void add_irqs(JsonRows& rows, const Host& host);

/// One of the list "assignments" of irqtune.plan/1.
void add_assignment(JsonRows& rows, const Assignment& assignment);

/// One of the lists "drift", "moved" and "elsewhere" of irqtune.check/1.
void add_drift(JsonRows& rows, const DriftEntry& entry);

/// What is not in place, with the keys that an apply's results have.
void add_failed(JsonRows& rows, const DriftEntry& entry);

/// One long list of a document: its name, and what adds its rows.
struct LongList {
  std::string_view name;
  std::function<void(JsonRows&)> fill;
};

/// Prints the document, with what `lists` add in place of its empty lists of their names; in the
/// document's order, which is theirs.
void print_document(std::ostream& out, const Json& document, const std::vector<LongList>& lists);

/// What `fill` adds, one value, as the value that it prints.
[[nodiscard]] Json value_of(const std::function<void(JsonRows&)>& fill);

}  // namespace irqtune
