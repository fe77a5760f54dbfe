// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/interrupts/interrupts.h"
#include "irqtune/sys/sysfs.h"

#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>

namespace {

using namespace irqtune;

/// A tree of scripts/make_host.py, from the environment.
std::string tree() {
  const char* path = std::getenv("IRQTUNE_BENCH_TREE");
  return path != nullptr ? path : "/";
}

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

/// The parser alone, on text in memory, in the pieces in which the program reads it.
void parse(benchmark::State& state) {
  constexpr std::size_t kPiece = std::size_t{128} << 10;
  const auto text = Sysfs(tree()).read_file("/proc/interrupts", std::size_t{1} << 30).text.value();
  for (auto _ : state) {
    InterruptParser parser;
    for (std::size_t at = 0; at < text.size(); at += kPiece) {
      parser.feed(std::string_view(text).substr(at, kPiece));
    }
    benchmark::DoNotOptimize(parser.finish());
  }
  count_bytes(state, text.size());
}

/// Reading and parsing, as each command does.
void read_and_parse(benchmark::State& state) {
  const Sysfs sysfs(tree());
  std::size_t bytes = 0;
  for (auto _ : state) {
    InterruptParser parser;
    bytes = 0;
    const auto error = sysfs.stream("/proc/interrupts", std::size_t{1} << 30, [&](auto piece) {
      parser.feed(piece);
      bytes += piece.size();
    });
    if (error) {
      state.SkipWithError(error.message().c_str());
      return;
    }
    benchmark::DoNotOptimize(parser.finish());
  }
  count_bytes(state, bytes);
}

BENCHMARK(parse)->Unit(benchmark::kMillisecond);
BENCHMARK(read_and_parse)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
