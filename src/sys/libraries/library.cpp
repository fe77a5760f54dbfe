// SPDX-License-Identifier: Apache-2.0
#include "sys/libraries/library.h"

#include "irqtune/core/error.h"

#include <fmt/format.h>

#include <utility>

#include <dlfcn.h>

namespace irqtune {

Library::Library(const char* file, std::string_view name, std::string hint)
    : name_(name), hint_(std::move(hint)), library_(::dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
  if (library_ == nullptr) {
    fail();
  }
}

void* Library::address_of(const char* symbol) const {
  auto* const address = ::dlsym(library_, symbol);
  if (address == nullptr) {
    fail();
  }
  return address;
}

void Library::fail() const {
  const char* why = ::dlerror();  // NOLINT(concurrency-mt-unsafe): there is one thread
  throw Error(ErrorKind::host,
              fmt::format("cannot load {}: {}", name_, why != nullptr ? why : "no reason given"),
              hint_);
}

}  // namespace irqtune
