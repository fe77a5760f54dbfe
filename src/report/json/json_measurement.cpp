// SPDX-License-Identifier: Apache-2.0
#include "irqtune/report/measurement.h"

#include "report/json/json.h"

#include <algorithm>
#include <iterator>

namespace irqtune {

namespace {

Json shares_json(const Shares& shares) {
  return {{"busy", rate_or_null(shares.busy)},
          {"irq", rate_or_null(shares.irq)},
          {"softirq", rate_or_null(shares.softirq)}};
}

Json cpu_json(const CpuMeasure& cpu) {
  return {{"id", cpu.cpu},
          {"busy", rate_or_null(cpu.shares.busy)},
          {"irq", rate_or_null(cpu.shares.irq)},
          {"softirq", rate_or_null(cpu.shares.softirq)},
          {"squeezed", rate_or_null(cpu.squeezed)},
          {"interrupts", interrupts_json(cpu.interrupts)}};
}

Json vm_json(const VmMeasure& vm) {
  auto vectors = Json::array();
  for (const auto& [vector, rate] : vm.vectors) {
    vectors.push_back({{"vector", vector_or_null(vector)}, {"rate", rate_or_null(rate)}});
  }
  return {{"name", vm.name},
          {"interrupts_on_cores",
           {{"own", rate_or_null(vm.own)},
            {"other_vms", rate_or_null(vm.other_vms)},
            {"host", rate_or_null(vm.host)},
            {"fixed", rate_or_null(vm.fixed)}}},
          {"run_delay_ms_per_s", rate_or_null(vm.run_delay)},
          {"exits", {{"all", rate_or_null(vm.exits)}, {"interrupt", rate_or_null(vm.irq_exits)}}},
          {"vectors", std::move(vectors)}};
}

Json alarm_json(const SoftirqAlarm& alarm) {
  auto irqs = Json::array();
  for (const auto irq : alarm.irqs) {
    irqs.push_back(static_cast<std::uint32_t>(irq));
  }
  return {{"cpu", alarm.cpu},
          {"share", rate_or_null(alarm.share)},
          {"slices", alarm.slices},
          {"irqs", std::move(irqs)}};
}

Json comparison_json(const Comparison& comparison) {
  return {{"path", comparison.path},
          {"before", rate_or_null(comparison.before)},
          {"after", rate_or_null(comparison.after)},
          {"ratio", rate_or_null(comparison.ratio)},
          {"spread", rate_or_null(comparison.spread)},
          {"differs", or_null(comparison.differs)}};
}

Json samples_json(const std::vector<Sample>& samples) {
  auto out = Json::object();
  for (const auto& [path, slices] : samples) {
    auto values = Json::array();
    for (const auto value : slices) {
      values.push_back(rate_or_null(value));
    }
    out[path] = std::move(values);
  }
  return out;
}

template <typename T>
Json list_json(const std::vector<T>& values, Json (*json_of)(const T&)) {
  auto list = Json::array();
  std::ranges::transform(values, std::back_inserter(list), json_of);
  return list;
}

Json missing_json(const MissingFact& fact) {
  return {{"what", fact.what}, {"needs", fact.needs}};
}

Json document_of(const Measurement& measured) {
  return {{"schema", "irqtune.measure/1"},
          {"host", host_id_json(measured.host)},
          {"seconds", rate_or_null(measured.seconds)},
          {"slices", measured.slices},
          {"vcpu_cores", measured.vcpu_cores.to_list()},
          {"housekeeping", measured.housekeeping.to_list()},
          {"cpus", list_json(measured.cpus, cpu_json)},
          {"totals",
           {{"on_vcpu_cores", interrupts_json(measured.on_vcpu_cores)},
            {"stdev",
             {{"all", shares_json(measured.stdev_all)},
              {"housekeeping", shares_json(measured.stdev_housekeeping)}}}}},
          {"vms", list_json(measured.vms, vm_json)},
          {"softirq_above", list_json(measured.softirq_above, alarm_json)},
          {"samples", samples_json(measured.samples)},
          {"compare", comparisons_json(measured.compare)},
          {"missing", list_json(measured.missing, missing_json)},
          {"warnings", measured.warnings}};
}

}  // namespace

Json comparisons_json(const std::vector<Comparison>& comparisons) {
  return list_json(comparisons, comparison_json);
}

Json interrupts_json(const InterruptRates& rates) {
  return {{"passthrough", rate_or_null(rates.passthrough)},
          {"host", rate_or_null(rates.host)},
          {"fixed", rate_or_null(rates.fixed)}};
}

std::string measurement_json(const Measurement& measured) {
  return document_text(document_of(measured));
}

std::string measurement_line(const Measurement& measured) {
  return line_text(document_of(measured)) + '\n';
}

}  // namespace irqtune
