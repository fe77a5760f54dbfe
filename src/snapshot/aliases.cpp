// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "snapshot/anonymize.h"

namespace irqtune {

namespace {

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_word_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// True if `text` has hexadecimal digits where `shape` has an x, and `shape`'s characters
/// elsewhere.
bool has_shape(std::string_view text, std::string_view shape) {
  if (text.size() < shape.size()) {
    return false;
  }
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 'x' ? !is_hex(text[i]) : text[i] != shape[i]) {
      return false;
    }
  }
  return true;
}

constexpr std::string_view kUuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
constexpr std::string_view kMac = "xx:xx:xx:xx:xx:xx";

/// How many characters at `at` are an id that stands for itself; 0 if none.
std::size_t id_length(std::string_view text, std::size_t at) {
  if (at > 0 && (is_hex(text[at - 1]) || text[at - 1] == ':')) {
    return 0;
  }
  for (const auto shape : {kUuid, kMac}) {
    const auto rest = text.substr(at);
    const auto behind = rest.size() > shape.size() ? rest[shape.size()] : ' ';
    if (has_shape(rest, shape) && !is_hex(behind) && behind != ':') {
      return shape.size();
    }
  }
  return 0;
}

/// As systemd escapes it in unit names. Source: systemd.unit(5), "string escaping".
std::string unit_escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    out += is_word_char(c) || c == ':' || c == '.'
               ? std::string(1, c)
               : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

/// A word may begin behind an escape: "qemu\x2d1\x2dweb".
bool begins_word(std::string_view text, std::size_t at) {
  constexpr std::string_view kEscape = "\\xhh";
  return at == 0 || !is_word_char(text[at - 1]) ||
         (at >= kEscape.size() && text.substr(at - kEscape.size(), 2) == "\\x" &&
          is_hex(text[at - 2]) && is_hex(text[at - 1]));
}

/// Words of the kernel's, libvirt's and systemd's own, in cgroup paths and thread names: a VM may
/// bear one of them as its name, and then it tells nothing.
bool is_common(std::string_view word) {
  constexpr std::string_view kCommon =
      " qemu kvm machine libvirt slice scope service emulator system user init CPU KVM vcpu vcpu0 "
      "vcpu1 iothread iothread1 IO call_rcu worker vhost session app ";
  return kCommon.find(fmt::format(" {} ", word)) != std::string_view::npos ||
         word.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

void Aliases::learn(std::string_view name) {
  if (!name.empty()) {
    learned_.emplace(name);
  }
}

void Aliases::finish_learning() {
  std::size_t number = 0;
  for (const auto& name : learned_) {  // In order, so that aliases sort as the names do.
    const auto alias = fmt::format("vm{:04}", ++number);
    names_[name] = alias;
    if (!is_common(name)) {
      add_word(name, alias);
      add_word(unit_escaped(name), alias);
    }
  }
}

std::string Aliases::name(std::string_view name) const {
  const auto found = names_.find(name);
  return found != names_.end() ? found->second : name.empty() ? "" : "vm";
}

bool Aliases::knows(std::string_view name) const {
  return names_.contains(name);
}

void Aliases::add_word(const std::string& word, const std::string& alias) {
  words_[word] = alias;
  word_sizes_.insert(word.size());
}

std::size_t Aliases::known_word(std::string_view text, std::size_t at) const {
  if (!begins_word(text, at)) {
    return 0;
  }
  const auto rest = text.substr(at);
  const auto is_word = [&](std::size_t size) {
    return size <= rest.size() && (size == rest.size() || !is_word_char(rest[size])) &&
           words_.contains(rest.substr(0, size));
  };
  const auto found = std::ranges::find_if(word_sizes_, is_word);
  return found != word_sizes_.end() ? *found : 0;
}

std::string Aliases::replace_names(std::string_view text) const {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto size = known_word(text, at);
    out += size > 0 ? words_.find(text.substr(at, size))->second : std::string(1, text[at]);
    at += std::max<std::size_t>(size, 1);
  }
  return out;
}

std::string Aliases::hidden(std::string_view text) {
  auto& alias = hidden_[std::string(text)];
  alias = alias.empty() ? fmt::format("x{}", hidden_.size()) : alias;
  return alias;
}

std::string Aliases::replace_ids(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = id_length(text, at);
    if (length == 0) {
      out += text[at++];
      continue;
    }
    auto& alias = ids_[std::string(text.substr(at, length))];
    if (alias.empty()) {
      const auto number = ids_.size();
      alias = length == kMac.size()
                  ? fmt::format("02:00:00:00:{:02x}:{:02x}", number >> 8 & 0xff, number & 0xff)
                  : fmt::format("00000000-0000-4000-8000-{:012x}", number);
    }
    out += alias;
    at += length;
  }
  return out;
}

}  // namespace irqtune
