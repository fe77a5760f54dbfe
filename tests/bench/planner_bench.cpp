// SPDX-License-Identifier: Apache-2.0
#include "irqtune/plan/planner.h"

#include "support/hosts/make_host.h"

#include <fmt/format.h>

#include <random>

#include <benchmark/benchmark.h>

namespace {

using namespace irqtune;

/// `cpus` CPUs in nodes of 64 at most, two threads a core, a quarter of them pinned; `vectors` in
/// devices of 64, with skewed rates, on any CPU.
Host host_of(int cpus, int vectors) {
  test::Grid grid;
  grid.threads = 2;
  grid.nodes = std::max(1, cpus / 64);
  grid.cores = cpus / grid.nodes / grid.threads;
  grid.llcs = std::min(4, grid.cores);
  auto host = test::make_host(grid);
  std::mt19937 engine(1);
  const auto any = [&engine](int below) {
    return static_cast<int>(engine() % static_cast<std::uint32_t>(below));
  };
  for (int vm = 0; vm < cpus / 16; ++vm) {
    test::add_vm(host,
                 fmt::format("vm{:03}", vm),
                 {fmt::format("{}", any(cpus)), fmt::format("{}", any(cpus))},
                 {fmt::format("{:04x}:01:00.0", vm)});
  }
  const int devices = (vectors + 63) / 64;
  for (int device = 0; device < devices; ++device) {
    test::add_device(host,
                     fmt::format("{:04x}:01:00.0", device),
                     NodeId{static_cast<std::uint32_t>(device % grid.nodes)});
  }
  for (int i = 0; i < vectors; ++i) {
    Irq irq;
    irq.number = IrqNumber{static_cast<std::uint32_t>(24 + i)};
    irq.chip = "IR-PCI-MSIX";
    irq.vector = VectorId{{static_cast<std::uint32_t>(i / 64), 1, 0, 0},
                          VectorKind::msix,
                          static_cast<std::uint16_t>(i % 64)};
    irq.device = irq.vector->device;
    irq.actions = {vfio_action_text(*irq.vector)};
    irq.affinity = CpuSet{any(cpus)};
    irq.effective = irq.affinity;
    irq.rates = {{*irq.affinity->first(), 1.0 + any(100) * any(1000)}};
    host.irqs.push_back(std::move(irq));
  }
  host.rate_source = RateSource::sampled;
  return host;
}

void measure(benchmark::State& state, int cpus, int vectors) {
  const auto host = host_of(cpus, vectors);
  double excess = 0;
  for (auto _ : state) {
    const auto made = make_plan(host, {});
    excess = *made.after.max_cpu_rate / *made.lower_bound - 1;
    benchmark::DoNotOptimize(made);
  }
  state.counters["over_bound_percent"] = excess * 100;
}

void both(benchmark::State& state) {
  measure(state, static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  state.SetComplexityN(state.range(0) + state.range(1));
}

void cpus_with_1024_vectors(benchmark::State& state) {
  measure(state, static_cast<int>(state.range(0)), 1024);
  state.SetComplexityN(state.range(0));
}

void vectors_on_256_cpus(benchmark::State& state) {
  measure(state, 256, static_cast<int>(state.range(0)));
  state.SetComplexityN(state.range(0));
}

// The growth is printed below each: "BigO".
BENCHMARK(both)
    ->Args({16, 16})
    ->Args({64, 128})
    ->Args({128, 512})
    ->Args({256, 2048})
    ->Args({512, 4096})
    ->Args({1152, 8192})
    ->Unit(benchmark::kMillisecond)
    ->Complexity();

BENCHMARK(cpus_with_1024_vectors)
    ->Arg(16)
    ->Arg(64)
    ->Arg(256)
    ->Arg(512)
    ->Arg(1152)
    ->Unit(benchmark::kMillisecond)
    ->Complexity();

BENCHMARK(vectors_on_256_cpus)
    ->Arg(16)
    ->Arg(128)
    ->Arg(1024)
    ->Arg(4096)
    ->Arg(8192)
    ->Unit(benchmark::kMillisecond)
    ->Complexity();

}  // namespace

BENCHMARK_MAIN();
