// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/load.h"

#include "report/json/json_rows.h"

#include <fmt/format.h>

#include <string_view>

namespace irqtune {

namespace {

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

void add_irq(JsonRows& rows, const Host& host, const Irq& irq) {
  rows.open('{');
  rows.name("irq");
  rows.value(std::uint64_t{static_cast<std::uint32_t>(irq.number)});
  add_text(rows, "chip", irq.chip);
  rows.name("hwirq");
  irq.hwirq ? rows.value(*irq.hwirq) : rows.null();
  add_text(rows, "trigger", irq.trigger);
  add_texts(rows, "actions", irq.actions);
  rows.name("shared");
  rows.truth(irq.actions.size() > 1);
  add_counts(rows, irq);
  add_rate(rows, rate_of(host, irq));
  add_cpus(rows, "affinity", irq.affinity);
  add_cpus(rows, "effective", irq.effective);
  rows.name("node");
  irq.node ? rows.value(std::uint64_t{static_cast<std::uint32_t>(*irq.node)}) : rows.null();
  rows.name("settable");
  irq.settable ? rows.truth(*irq.settable) : rows.null();
  add_device(rows, irq.device);
  add_vector(rows, irq.vector);
  add_posted(rows, irq.posted);
  rows.close('}');
}

}  // namespace

void add_irqs(JsonRows& rows, const Host& host) {
  for (const auto& irq : host.irqs) {
    add_irq(rows, host, irq);
  }
}

}  // namespace irqtune
