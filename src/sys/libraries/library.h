// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace irqtune {

/// A shared library that is loaded when it is needed, and stays loaded to the end of the process:
/// each start of the program that does without it is spared what it costs the dynamic linker.
class Library {
 public:
  /// Throws Error{host} "cannot load NAME: ..." with the hint if it cannot be loaded.
  Library(const char* file, std::string_view name, std::string hint);

  /// Throws Error{host}, as the constructor, if it has no such function or variable.
  template <typename Symbol>
  void find(const char* symbol, Symbol*& out) const {
    out = reinterpret_cast<Symbol*>(address_of(symbol));
  }

 private:
  [[nodiscard]] void* address_of(const char* symbol) const;
  [[noreturn]] void fail() const;

  std::string name_;
  std::string hint_;
  void* library_;
};

}  // namespace irqtune
