// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/sys/tree_image.h"

#include <algorithm>

namespace irqtune {

namespace {

std::error_code code_of(std::errc code) {
  return std::make_error_code(code);
}

/// The components of `path`, last first, ready to be taken from the back. A trailing '/' is a ".",
/// which only a directory has.
void push_components(std::string_view path, std::vector<std::string_view>& pending) {
  const auto first = pending.size();
  const bool wants_directory = path.ends_with('/');
  for (const auto part : split(path, '/')) {
    if (!part.empty()) {
      pending.emplace_back(part);
    }
  }
  if (wants_directory) {
    pending.emplace_back(".");
  }
  std::reverse(pending.begin() + static_cast<std::ptrdiff_t>(first), pending.end());
}

const TreeImage::Entry* child_of(const TreeImage::Entry& directory, std::string_view name) {
  const auto found = directory.children.find(name);
  return found != directory.children.end() ? found->second : nullptr;
}

}  // namespace

const TreeImage::Entry* TreeImage::find(std::string_view path,
                                        bool follow_last,
                                        std::error_code& error) const {
  error.clear();
  std::vector<std::string_view> pending;  // Into `path` and link targets, which stay.
  push_components(path, pending);
  const auto* here = root_;
  int links = 0;
  while (!pending.empty()) {
    const auto name = pending.back();
    pending.pop_back();
    if (here->kind != Kind::directory) {
      error = code_of(std::errc::not_a_directory);
      return nullptr;
    }
    if (name == "." || name == "..") {
      here = name == ".." ? here->parent : here;
      continue;
    }
    const auto* next = child_of(*here, name);
    if (next == nullptr) {
      error = code_of(std::errc::no_such_file_or_directory);
      return nullptr;
    }
    if (next->kind != Kind::symlink || (pending.empty() && !follow_last)) {
      here = next;
      continue;
    }
    if (++links > kMaxLinks) {
      error = code_of(std::errc::too_many_symbolic_link_levels);
      return nullptr;
    }
    here = next->text.starts_with('/') ? root_ : here;
    push_components(next->text, pending);
  }
  return here;
}

std::vector<std::string> TreeImage::list(std::string_view path, std::error_code& error) const {
  std::vector<std::string> names;
  const auto* entry = find(path, true, error);
  if (entry != nullptr && entry->kind != Kind::directory) {
    error = code_of(std::errc::not_a_directory);
    return names;
  }
  if (entry != nullptr) {
    names.reserve(entry->children.size());
    for (const auto& [name, child] : entry->children) {
      names.push_back(name);
    }
  }
  return names;
}

std::optional<std::string> TreeImage::link_target(std::string_view path) const {
  std::error_code error;
  const auto* entry = find(path, false, error);
  return entry != nullptr && entry->kind == Kind::symlink ? std::optional(entry->text)
                                                          : std::nullopt;
}

std::optional<std::string> TreeImage::resolve(std::string_view path) const {
  std::error_code error;
  const auto* entry = find(path, true, error);
  if (entry == nullptr) {
    return std::nullopt;
  }
  std::vector<std::string_view> names;
  for (; entry != root_; entry = entry->parent) {
    names.push_back(entry->name);
  }
  std::string resolved;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    resolved.append("/").append(*name);
  }
  return resolved.empty() ? "/" : resolved;
}

}  // namespace irqtune
