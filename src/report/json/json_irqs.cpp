// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/load.h"

#include "report/json/json_rows.h"

#include <fmt/format.h>

#include <string_view>

namespace irqtune {

namespace {

void add_text_or_null(JsonRows& rows, std::string_view name, std::string_view text) {
  rows.name(name);
  text.empty() ? rows.null() : rows.value(text);
}

void add_cpus(JsonRows& rows, std::string_view name, const std::optional<CpuSet>& cpus) {
  rows.name(name);
  cpus ? rows.value(cpus->to_list()) : rows.null();
}

void add_actions(JsonRows& rows, const Irq& irq) {
  rows.name("actions");
  rows.open('[');
  for (const auto& action : irq.actions) {
    rows.value(action);
  }
  rows.close(']');
  rows.name("shared");
  rows.truth(irq.actions.size() > 1);
}

void add_counts(JsonRows& rows, const Irq& irq) {
  rows.name("total");
  irq.listed ? rows.value(total_count(irq)) : rows.null();
  rows.name("per_cpu");
  rows.open('{');
  for (const auto& count : irq.counts) {
    const fmt::format_int cpu(count.cpu);
    rows.name({cpu.data(), cpu.size()});
    rows.value(count.count);
  }
  rows.close('}');
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

void add_irq(JsonRows& rows, const Host& host, const Irq& irq) {
  rows.open('{');
  rows.name("irq");
  rows.value(std::uint64_t{static_cast<std::uint32_t>(irq.number)});
  add_text_or_null(rows, "chip", irq.chip);
  rows.name("hwirq");
  irq.hwirq ? rows.value(*irq.hwirq) : rows.null();
  add_text_or_null(rows, "trigger", irq.trigger);
  add_actions(rows, irq);
  add_counts(rows, irq);
  rows.name("rate");
  const auto rate = rate_of(host, irq);
  rate ? rows.value(*rate) : rows.null();
  add_cpus(rows, "affinity", irq.affinity);
  add_cpus(rows, "effective", irq.effective);
  rows.name("node");
  irq.node ? rows.value(std::uint64_t{static_cast<std::uint32_t>(*irq.node)}) : rows.null();
  rows.name("settable");
  irq.settable ? rows.truth(*irq.settable) : rows.null();
  rows.name("device");
  irq.device ? rows.value(irq.device->to_string()) : rows.null();
  add_vector(rows, irq.vector);
  rows.name("posted");
  irq.posted ? rows.value(posted_text(*irq.posted)) : rows.null();
  rows.close('}');
}

}  // namespace

void add_irqs(JsonRows& rows, const Host& host) {
  for (const auto& irq : host.irqs) {
    add_irq(rows, host, irq);
  }
}

}  // namespace irqtune
