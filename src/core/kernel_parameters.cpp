// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/kernel_parameters.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace irqtune {

namespace {

/// The next parameter of a kernel command line, quotes kept; a blank inside quotes ends none.
std::string_view take_parameter(std::string_view& rest) {
  rest = trimmed(rest);
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size() && (quoted || (rest[end] != ' ' && rest[end] != '\t')); ++end) {
    quoted = quoted != (rest[end] == '"');
  }
  const auto parameter = rest.substr(0, end);
  rest.remove_prefix(end);
  return parameter;
}

std::string without_quotes(std::string_view text) {
  std::string out(text);
  std::erase(out, '"');
  return out;
}

bool is_alpha(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

bool is_word_char(char c) {
  return is_alpha(c) || c == '_';
}

/// "N" and "all" of the kernel's lists as numbers. Source: Linux lib/bitmap-str.c.
std::string with_numbers(std::string_view list, int last_cpu) {
  std::string out;
  for (const auto field : split(list, ',')) {
    auto text =
        field.starts_with("all") ? "0-N" + std::string(field.substr(3)) : std::string(field);
    for (auto at = text.find('N'); at != std::string::npos; at = text.find('N', at)) {
      text.replace(at, 1, std::to_string(last_cpu));
    }
    out += out.empty() ? "" : ",";
    out += text;
  }
  return out;
}

/// True of "0-7:2", which lscpu prints and the kernel refuses: it wants "0-7:1/2".
bool has_lone_step(std::string_view list) {
  return std::ranges::any_of(split(list, ','), [](std::string_view field) {
    return field.find(':') != std::string_view::npos && field.find('/') == std::string_view::npos;
  });
}

/// Reads the lists of one command line.
class Reader {
 public:
  explicit Reader(std::optional<int> last_cpu) : last_cpu_(last_cpu) {}

  void add(const KernelParameter& parameter) {
    const bool with_value = !parameter.value.empty();
    if (parameter.name == "isolcpus" && with_value) {
      add_isolcpus(parameter);
    } else if (parameter.name == "nohz_full" && with_value) {
      set_first(list_of(parameter, parameter.value), found_.nohz_full);
    } else if (parameter.name == "irqaffinity" && with_value) {
      set_last(list_of(parameter, parameter.value), found_.irqaffinity);
    } else if (parameter.name == "rcu_nocbs") {
      set_last(with_value ? list_of(parameter, parameter.value) : CpuSet{}, found_.rcu_nocbs);
    }
  }

  CpuParameters take() { return std::move(found_); }

 private:
  std::optional<CpuSet> list_of(const KernelParameter& parameter, std::string_view value) {
    const bool relative = value.find('N') != std::string_view::npos || value.starts_with("all") ||
                          value.find(",all") != std::string_view::npos;
    if (relative && !last_cpu_) {
      return std::nullopt;
    }
    auto list = has_lone_step(value)
                    ? std::nullopt
                    : CpuSet::parse_list(with_numbers(value, last_cpu_.value_or(0)));
    if (!list) {
      found_.refused.push_back(parameter_text(parameter));
    }
    return list;
  }

  /// Flags come first, each before a comma; one that the kernel does not know is passed over.
  void add_isolcpus(const KernelParameter& parameter) {
    std::string_view rest = parameter.value;
    std::vector<std::string_view> flags;
    while (!rest.empty() && is_alpha(rest.front())) {
      flags.push_back(take_until(rest, ','));
      if (!std::ranges::all_of(flags.back(), is_word_char)) {
        found_.refused.push_back(parameter_text(parameter));
        return;
      }
    }
    const auto has = [&](std::string_view flag) {
      return std::ranges::find(flags, flag) != flags.end();
    };
    const auto list = list_of(parameter, rest);
    if (has("domain") || (!has("nohz") && !has("managed_irq"))) {
      set_first(list, found_.domain);
    }
    if (has("managed_irq")) {
      set_first(list, found_.managed_irq);
    }
    if (has("nohz")) {
      set_first(list, found_.nohz_full);
    }
  }

  static void set_first(const std::optional<CpuSet>& list, std::optional<CpuSet>& to) {
    to = to ? to : list;
  }

  static void set_last(const std::optional<CpuSet>& list, std::optional<CpuSet>& to) {
    to = list ? list : to;
  }

  std::optional<int> last_cpu_;
  CpuParameters found_;
};

}  // namespace

KernelParameters parse_kernel_parameters(std::string_view text) {
  KernelParameters parameters;
  while (!trimmed(text).empty()) {
    auto value = take_parameter(text);
    auto name = without_quotes(take_until(value, '='));
    if (name == "--") {
      return parameters;  // What follows is for init.
    }
    std::ranges::replace(name, '-', '_');
    parameters.push_back({std::move(name), without_quotes(value)});
  }
  return parameters;
}

std::string parameter_text(const KernelParameter& parameter) {
  return parameter.value.empty() ? parameter.name
                                 : fmt::format("{}={}", parameter.name, parameter.value);
}

const KernelParameter* find_parameter(const KernelParameters& parameters,
                                      std::string_view name) noexcept {
  const KernelParameter* found = nullptr;
  for (const auto& parameter : parameters) {
    found = parameter.name == name ? &parameter : found;
  }
  return found;
}

bool has_word(std::string_view value, std::string_view word) {
  return std::ranges::any_of(split(value, ','),
                             [&](std::string_view part) { return part == word; });
}

const KernelParameter* find_word(const KernelParameters& parameters,
                                 std::string_view name,
                                 std::string_view word,
                                 std::string_view undo) {
  const KernelParameter* found = nullptr;
  for (const auto& parameter : parameters) {
    const auto value = parameter.name == name ? std::string_view(parameter.value) : "";
    for (const auto part : split(value, ',')) {
      found = part == word ? &parameter : !undo.empty() && part == undo ? nullptr : found;
    }
  }
  return found;
}

CpuParameters cpu_parameters(const KernelParameters& parameters, std::optional<int> last_cpu) {
  Reader reader(last_cpu);
  for (const auto& parameter : parameters) {
    reader.add(parameter);
  }
  return reader.take();
}

}  // namespace irqtune
