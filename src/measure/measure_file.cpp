// SPDX-License-Identifier: Apache-2.0
#include "irqtune/measure/measure_file.h"

#include "irqtune/core/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <utility>

namespace irqtune {

namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& name, std::string_view what) {
  throw Error(ErrorKind::usage,
              fmt::format("{}: {}", name, what),
              "give what `irqtune measure -o FILE` (or `measure --json`) wrote");
}

std::vector<double> slices_of(const Json& values, const std::string& name) {
  constexpr std::size_t kMost = 1000;
  if (!values.is_array() || values.size() > kMost) {
    refuse(name, "no list of figures");
  }
  std::vector<double> slices;
  for (const auto& value : values) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      refuse(name, "not a number");
    }
    slices.push_back(value.get<double>());
  }
  return slices;
}

}  // namespace

std::vector<Sample> parse_samples(std::string_view text, const std::string& name) {
  const auto document = Json::parse(text, nullptr, false);
  if (document.is_discarded() || !document.is_object()) {
    refuse(name, "not a measurement: no JSON");
  }
  const auto schema = document.find("schema");
  if (schema == document.end() || *schema != "irqtune.measure/1") {
    refuse(name, "not a measurement: its \"schema\" is not irqtune.measure/1");
  }
  const auto samples = document.find("samples");
  if (samples == document.end() || !samples->is_object()) {
    refuse(name, "not a measurement: \"samples\" is missing");
  }
  std::vector<Sample> out;
  for (const auto& [path, values] : samples->items()) {
    out.push_back({path, slices_of(values, fmt::format("{}: samples.{}", name, path))});
  }
  return out;
}

}  // namespace irqtune
