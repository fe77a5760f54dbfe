// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/measurement.h"
#include "irqtune/core/plan.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

// Pieces that several documents share; for the json*.cpp files only.

using Json = nlohmann::ordered_json;

/// `value` or null.
template <typename T>
[[nodiscard]] Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

[[nodiscard]] Json list_or_null(const std::optional<CpuSet>& cpus);
[[nodiscard]] Json node_or_null(const std::optional<NodeId>& node);
[[nodiscard]] Json vector_or_null(const std::optional<VectorId>& vector);
[[nodiscard]] Json address_or_null(const std::optional<PciAddress>& address);

/// A rate with three decimals, so that the same plan prints the same.
[[nodiscard]] Json rate_or_null(const std::optional<double>& rate);
[[nodiscard]] std::string_view posted_text(Posted posted) noexcept;
[[nodiscard]] Json posted_or_null(const std::optional<Posted>& posted);
[[nodiscard]] Json host_id_json(const HostId& id);

[[nodiscard]] Json comparisons_json(const std::vector<Comparison>& comparisons);

[[nodiscard]] Json interrupts_json(const InterruptRates& rates);
[[nodiscard]] Json assignment_json(const Assignment& assignment);

/// The document as text. Bytes that are no UTF-8 (names come from anywhere) become U+FFFD; what a
/// terminal would obey is escaped.
[[nodiscard]] std::string document_text(const Json& document);

/// As document_text(), on one line and without its newline.
[[nodiscard]] std::string line_text(const Json& value);

}  // namespace irqtune
