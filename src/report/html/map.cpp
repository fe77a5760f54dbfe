// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/delivery.h"
#include "irqtune/core/protection.h"
#include "irqtune/core/text.h"

#include "report/html/parts.h"
#include "report/text/cpu_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace irqtune::html {

namespace {

constexpr int kGap = 4;
constexpr int kHeight = 36;       // Of a CPU.
constexpr int kHead = 18;         // Above a block's cores, for its title.
constexpr int kTitleWidth = 190;  // "package 11, node 11, cache 143" at 11 px

/// How wide CPUs are, so that the longest numbers have room at 11 px, and how many cores stand in a
/// row, so that a row fits a page of 400 px.
struct Grid {
  int cell = 44;
  int columns = 8;
};

Grid grid_of(const Host& host, const VmKeys& keys) {
  constexpr int kFourDigits = 1000;
  const bool long_numbers =
      !host.topology.cpus.empty() && host.topology.cpus.back().number >= kFourDigits;
  const bool long_letters =
      std::ranges::any_of(keys, [](const auto& entry) { return entry.second.letter.size() > 1; });
  return long_numbers || long_letters ? Grid{58, 4} : Grid{};
}

struct Look {
  std::string fill;
  std::string letter;
  std::string what;
};

/// Each reason that keeps vectors off the CPU: "vCPU 2 of db1 (libvirt); isolated (...)".
std::string reasons_text(const Plan& plan, int cpu) {
  const auto found = plan.protections.find(cpu);
  if (found == plan.protections.end()) {
    return "takes no vectors";
  }
  auto reasons = protection_texts(cpu, found->second);
  const auto prefix = fmt::format("cpu{}: ", cpu).size();
  for (auto& reason : reasons) {
    reason.erase(0, prefix);
  }
  return fmt::format("{}", fmt::join(reasons, "; "));
}

Look look_of(const Plan& plan, const VmKeys& keys, const Cpu& cpu) {
  if (!cpu.online) {
    return {"off", "x", "offline"};
  }
  if (const auto* vm = vm_on(plan, cpu.number)) {
    const auto key = keys.find(*vm);
    return {
        fmt::format("v{}", key->second.color), key->second.letter, reasons_text(plan, cpu.number)};
  }
  return plan.housekeeping.contains(cpu.number) ? Look{"free", "", "may take vectors"}
                                                : Look{"kept", "*", reasons_text(plan, cpu.number)};
}

/// The upper left corner of a CPU, and its width.
struct Place {
  int x = 0;
  int y = 0;
  int width = 0;
};

std::string rect(std::string_view look, int x, int y, int width, int height) {
  return fmt::format(
      R"(<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>)", look, x, y, width, height);
}

std::string heat(const Place& at, double share) {
  constexpr int kMargin = 5;
  constexpr int kThick = 4;
  const auto width = static_cast<int>(std::lround(share * (at.width - 2 * kMargin)));
  return width < 1 ? std::string()
                   : rect("heat", at.x + kMargin, at.y + kHeight - kThick - 5, width, kThick);
}

/// A disc whose area grows with the number of vectors, and the number.
std::string vectors_mark(const Place& at, std::size_t vectors, std::size_t most) {
  constexpr double kLargest = 5;
  if (vectors == 0) {
    return {};
  }
  const auto share = static_cast<double>(vectors) / static_cast<double>(most);
  return fmt::format(
      R"(<circle class="size" cx="{}" cy="{}" r="{:.1f}"/><text x="{}" y="{}">{}</text>)",
      at.x + 10,
      at.y + 20,
      std::max(1.5, kLargest * std::sqrt(share)),
      at.x + 17,
      at.y + 24,
      vectors);
}

std::string frame(const Place& at) {
  return rect("hit", at.x + 1, at.y + 1, at.width - 2, kHeight - 2) +
         rect("inner", at.x + 3, at.y + 3, at.width - 6, kHeight - 6);
}

std::string cell(const Look& look, const MapLoad& load, int cpu, const Place& at) {
  const auto rate = load.rates.contains(cpu) ? load.rates.at(cpu) : 0.0;
  const auto vectors = load.vectors.contains(cpu) ? load.vectors.at(cpu) : 0U;
  const bool owned = look.fill.starts_with('v');
  auto out =
      fmt::format(R"(<g role="img"{}><title>CPU {}: {}; {}, {:.0f} interrupts a second</title>)",
                  owned ? R"( class="owned")" : "",
                  cpu,
                  escaped(look.what),
                  counted(vectors, "vector"),
                  rate);
  out += rect("cell " + look.fill, at.x, at.y, at.width, kHeight);
  out += owned && vectors > 0 ? frame(at) : std::string();
  out += fmt::format(R"(<text x="{}" y="{}">{}</text>)", at.x + 6, at.y + 14, cpu);
  out += look.letter.empty() ? std::string()
                             : fmt::format(R"(<text class="owner" x="{}" y="{}">{}</text>)",
                                           at.x + at.width - 6,
                                           at.y + 14,
                                           look.letter);
  out += vectors_mark(at, vectors, load.most);
  const auto weight = load.loads.contains(cpu) ? load.loads.at(cpu) : 0.0;
  return out + heat(at, load.busiest > 0 ? weight / load.busiest : 0) + "</g>";
}

/// The cores in rows of `grid.columns`, each as high as the core with the most threads.
Drawing cores_of(const Block& block, const Grid& grid, auto draw) {
  const auto threads = std::ranges::max_element(block.cores, {}, &Core::size)->size();
  const int row_height = static_cast<int>(threads) * kHeight + kGap;
  const auto count = static_cast<int>(block.cores.size());
  const auto columns = std::min(count, grid.columns);
  Drawing out{std::max(columns * (grid.cell + kGap) - kGap + 2, kTitleWidth),
              kHead + (count + columns - 1) / columns * row_height,
              {}};
  for (int i = 0; i < count; ++i) {
    Place at{i % columns * (grid.cell + kGap) + 1, kHead + i / columns * row_height + 1, grid.cell};
    for (const auto* cpu : block.cores[static_cast<std::size_t>(i)]) {
      out.svg += draw(*cpu, at);
      at.y += kHeight;
    }
  }
  return out;
}

/// As add_rates() and the plan have it: now, or with the plan.
MapLoad map_load(const Host& host, const Plan& plan, bool planned) {
  MapLoad load;
  std::map<IrqNumber, const Assignment*> assignments;
  for (const auto& assignment : plan.assignments) {
    assignments.emplace(assignment.irq, &assignment);
  }
  for (const auto& irq : host.irqs) {
    const auto found = assignments.find(irq.number);
    const bool moves = planned && found != assignments.end() && found->second->change;
    const auto target = moves ? found->second->to.first() : std::nullopt;
    add_rates(host, irq, target, load.rates);
    const auto cpu = target ? target : only_cpu(delivery_of(host, irq));
    if (found != assignments.end() && cpu) {
      ++load.vectors[*cpu];
    }
  }
  load.loads = loads_of(host.topology, load.rates);
  return load;
}

void widen(Maps& maps, const MapLoad& load) {
  for (const auto& [cpu, weight] : load.loads) {
    maps.now.busiest = std::max(maps.now.busiest, weight);
  }
  for (const auto& [cpu, vectors] : load.vectors) {
    maps.now.most = std::max(maps.now.most, vectors);
  }
}

std::string letter_of(std::size_t number) {
  constexpr std::size_t kLetters = 26;
  const auto last = std::string(1, static_cast<char>('A' + number % kLetters));
  return number < kLetters ? last : letter_of(number / kLetters - 1) + last;
}

}  // namespace

const std::string* vm_on(const Plan& plan, int cpu) {
  const auto found = plan.protections.find(cpu);
  if (found == plan.protections.end()) {
    return nullptr;
  }
  const auto reason = std::ranges::find_if(
      found->second, [](const Protection& protection) { return !protection.vm.empty(); });
  return reason != found->second.end() ? &reason->vm : nullptr;
}

VmKeys vm_keys(const Plan& plan) {
  constexpr std::size_t kColors = 8;
  VmKeys keys;
  for (const auto& [cpu, reasons] : plan.protections) {
    if (const auto* vm = vm_on(plan, cpu)) {
      keys.emplace(*vm, VmKey{});
    }
  }
  std::size_t number = 0;
  for (auto& [name, key] : keys) {
    key = {number % kColors, letter_of(number)};
    ++number;
  }
  return keys;
}

Maps maps_of(const Host& host, const Plan& plan) {
  Maps maps{map_load(host, plan, false), map_load(host, plan, true)};
  widen(maps, maps.now);
  widen(maps, maps.planned);
  maps.planned.busiest = maps.now.busiest;
  maps.planned.most = maps.now.most;
  return maps;
}

std::vector<DrawnBlock> drawn_blocks(const Host& host,
                                     const Plan& plan,
                                     const VmKeys& keys,
                                     const MapLoad& load) {
  const auto grid = grid_of(host, keys);
  std::vector<DrawnBlock> drawn;
  for (const auto& block : blocks_of(host.topology)) {
    auto drawing = cores_of(block, grid, [&](const Cpu& cpu, const Place& at) {
      return cell(look_of(plan, keys, cpu), load, cpu.number, at);
    });
    drawing.svg = fmt::format(R"(<text class="of" x="0" y="12">{}</text>)", escaped(block.title)) +
                  drawing.svg;
    drawn.push_back({block.title, std::move(drawing)});
  }
  return drawn;
}

}  // namespace irqtune::html
