// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

namespace irqtune {

std::optional<CpuSet> parse_libvirt_list(std::string_view text) {
  CpuSet set;
  text = trimmed(text);
  if (text.ends_with(',')) {
    text.remove_suffix(1);  // libvirt lets one pass.
  }
  for (auto part : split(text, ',')) {
    part = trimmed(part);
    const bool excluded = part.starts_with('^');
    auto last_text = excluded ? part.substr(1) : part;
    const bool is_range = last_text.find('-') != std::string_view::npos;
    const auto first = parse_number<int>(excluded ? take_until(last_text, '-')
                                                  : trimmed(take_until(last_text, '-')));
    const auto last = is_range ? parse_number<int>(trimmed(last_text)) : first;
    constexpr int kMostCpus = 16384;  // VIR_DOMAIN_CPUMASK_LEN
    const bool excluded_range = excluded && is_range;
    if (excluded_range || !first || !last || *first < 0 || *last < *first || *last >= kMostCpus) {
      return std::nullopt;
    }
    CpuSet named;
    named.insert_range(*first, *last);
    set = excluded ? set - named : set | named;
  }
  return set.empty() ? std::nullopt : std::optional(std::move(set));
}

}  // namespace irqtune
