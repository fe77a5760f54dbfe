// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/json.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace irqtune {

/// Prints one long list of a document, byte for byte as document_text() does. Thousands of rows as
/// Json values would cost more than reading the host does.
class JsonRows {
 public:
  /// Appends to `text`, which ends where a value belongs, `depth` brackets deep.
  JsonRows(std::string& text, std::size_t depth) noexcept : text_(text), depth_(depth) {}

  /// Makes room for about so many bytes at once.
  void reserve(std::size_t bytes) { text_.reserve(text_.size() + bytes); }

  void open(char bracket);   ///< '{' or '['
  void close(char bracket);  ///< '}' or ']'

  /// The next value's name; needed in an object. Must hold nothing to escape.
  void name(std::string_view name);

  void value(std::string_view text);
  void value(std::uint64_t number);
  void json(const Json& value);  ///< For what is rare; on one line.
  void truth(bool value);
  void null();

 private:
  void begin_value();
  void new_line();

  std::string& text_;
  std::size_t depth_;
  bool first_ = true;  ///< Nothing stands in the innermost bracket yet.
  bool named_ = true;  ///< A name waits for its value.
};

/// The list "irqs" of irqtune.host/1.
void add_irqs(JsonRows& rows, const Host& host);

/// The document as text, with what `fill` adds in place of its empty list `name`.
[[nodiscard]] std::string document_text(const Json& document,
                                        std::string_view name,
                                        const std::function<void(JsonRows&)>& fill);

}  // namespace irqtune
