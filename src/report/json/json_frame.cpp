// SPDX-License-Identifier: Apache-2.0
#include "irqtune/report/frame.h"

#include "report/json/json.h"

#include <algorithm>

namespace irqtune {

namespace {

Json cpu_json(const FrameCpu& cpu) {
  return {{"id", cpu.load.cpu},
          {"busy", rate_or_null(cpu.load.shares.busy)},
          {"irq", rate_or_null(cpu.load.shares.irq)},
          {"softirq", rate_or_null(cpu.load.shares.softirq)},
          {"interrupts", interrupts_json(cpu.load.interrupts)},
          {"vectors", cpu.vectors},
          {"collisions", cpu.collisions}};
}

Json row_json(const FrameRow& row) {
  return {{"irq", static_cast<std::uint32_t>(row.irq)},
          {"vector", vector_or_null(row.vector)},
          {"vm", row.vm.empty() ? Json() : Json(row.vm)},
          {"rate", rate_or_null(row.rate)},
          {"cpus", row.delivery.cpus.empty() ? Json() : Json(row.delivery.cpus.to_list())},
          {"state", delivery_text(row.delivery.state)},
          {"standing", standing_text(row.standing)}};
}

Json rows_json(const Frame& frame) {
  std::vector<const FrameRow*> rows;
  for (const auto& row : frame.rows) {
    if (row.vector) {
      rows.push_back(&row);
    }
  }
  std::ranges::stable_sort(rows, [](const FrameRow* one, const FrameRow* other) {
    return one->rate.value_or(-1) > other->rate.value_or(-1);
  });
  auto list = Json::array();
  for (const auto* const row : rows) {
    list.push_back(row_json(*row));
  }
  return list;
}

}  // namespace

std::string frame_line(const Frame& frame) {
  auto cpus = Json::array();
  for (const auto& cpu : frame.cpus) {
    cpus.push_back(cpu_json(cpu));
  }
  const Json document = {{"schema", "irqtune.top/1"},
                         {"host", host_id_json(frame.host)},
                         {"time", or_null(frame.time)},
                         {"seconds", rate_or_null(frame.seconds)},
                         {"totals",
                          {{"interrupts", interrupts_json(frame.interrupts)},
                           {"on_vcpu_cores", interrupts_json(frame.on_vcpu_cores)},
                           {"vectors", frame.vectors},
                           {"collisions", frame.tally.collisions},
                           {"unknown", frame.tally.unknown}}},
                         {"cpus", std::move(cpus)},
                         {"vectors", rows_json(frame)},
                         {"warnings", frame.warnings}};
  return line_text(document) + '\n';
}

}  // namespace irqtune
