// SPDX-License-Identifier: Apache-2.0
#include "report/json/json_rows.h"

namespace irqtune {

void add_text(JsonRows& rows, std::string_view name, std::string_view text) {
  rows.name(name);
  text.empty() ? rows.null() : rows.value(text);
}

void add_cpus(JsonRows& rows, std::string_view name, const std::optional<CpuSet>& cpus) {
  rows.name(name);
  cpus ? rows.value(cpus->to_list()) : rows.null();
}

void add_rate(JsonRows& rows, const std::optional<double>& rate) {
  rows.name("rate");
  rate ? rows.value(*rate) : rows.null();
}

void add_device(JsonRows& rows, const std::optional<PciAddress>& device) {
  rows.name("device");
  device ? rows.value(device->to_string()) : rows.null();
}

void add_vector(JsonRows& rows, const std::optional<VectorId>& vector) {
  rows.name("vector");
  if (!vector) {
    rows.null();
    return;
  }
  rows.open('{');
  rows.name("device");
  rows.value(vector->device.to_string());
  rows.name("kind");
  rows.value(kind_text(vector->kind));
  rows.name("index");
  rows.value(std::uint64_t{vector->index});
  rows.close('}');
}

void add_posted(JsonRows& rows, const std::optional<Posted>& posted) {
  rows.name("posted");
  posted ? rows.value(posted_text(*posted)) : rows.null();
}

void add_texts(JsonRows& rows, std::string_view name, const std::vector<std::string>& texts) {
  rows.name(name);
  rows.open('[');
  for (const auto& text : texts) {
    rows.value(text);
  }
  rows.close(']');
}

}  // namespace irqtune
