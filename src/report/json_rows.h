// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/json.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace irqtune {

/// The text of one long list of a document, byte for byte as document_text() prints it. Thousands
/// of rows as Json values would cost more than reading the host does.
class JsonRows {
 public:
  /// `depth` is that of the list's elements; two for a list that is a member of the document.
  explicit JsonRows(std::size_t depth) : depth_(depth) {}

  void open(char bracket);   ///< '{' or '['
  void close(char bracket);  ///< '}' or ']'

  /// The next value's name; needed in an object. Must hold nothing to escape.
  void name(std::string_view name);

  void value(std::string_view text);
  void value(std::uint64_t number);
  void json(const Json& value);  ///< For what is rare; on one line.
  void truth(bool value);
  void null();

  /// The list with its brackets.
  [[nodiscard]] std::string take() &&;

 private:
  void begin_value();
  void new_line();

  std::string text_;
  std::size_t depth_;
  bool first_ = true;   ///< Nothing stands in the innermost bracket yet.
  bool named_ = false;  ///< A name waits for its value.
};

/// The list "irqs" of irqtune.host/1.
[[nodiscard]] std::string irqs_text(const Host& host);

/// The document as text, with `list` in place of its empty list `name`.
[[nodiscard]] std::string document_text(const Json& document,
                                        std::string_view name,
                                        std::string_view list);

}  // namespace irqtune
