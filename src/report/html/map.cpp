// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "report/html/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace irqtune::html {

namespace {

constexpr int kCell = 26;
constexpr int kGap = 4;
constexpr int kHead = 20;     // Above a node's cores, for its name.
constexpr int kColumns = 24;  // Cores in a row: readable at half of 1280 px.

/// The threads of one core, lowest first.
using Core = std::vector<const Cpu*>;

/// Of the core of `cpu`, those on its node.
Core core_of(const Host& host, const Cpu& cpu) {
  Core core;
  for (const auto& other : host.topology.cpus) {
    const bool same = other.number == cpu.number || cpu.siblings.contains(other.number);
    if (same && other.node == cpu.node) {
      core.push_back(&other);
    }
  }
  return core;
}

std::vector<Core> cores_of(const Host& host, std::optional<NodeId> node) {
  std::vector<Core> cores;
  for (const auto& cpu : host.topology.cpus) {
    auto core = cpu.node == node ? core_of(host, cpu) : Core{};
    if (!core.empty() && core.front()->number == cpu.number) {
      cores.push_back(std::move(core));
    }
  }
  return cores;
}

/// The VM whose vCPU, or the sibling of whose vCPU, protects the CPU; nullptr if none does.
const std::string* vm_on(const Plan& plan, int cpu) {
  const auto found = plan.protections.find(cpu);
  if (found == plan.protections.end()) {
    return nullptr;
  }
  const auto reason = std::ranges::find_if(
      found->second, [](const Protection& protection) { return !protection.vm.empty(); });
  return reason != found->second.end() ? &reason->vm : nullptr;
}

struct Look {
  std::string fill;
  std::string letter;
  std::string what;
};

Look look_of(const Plan& plan, const VmKeys& keys, const Cpu& cpu) {
  if (!cpu.online) {
    return {"off", "", "offline"};
  }
  if (const auto* vm = vm_on(plan, cpu.number)) {
    const auto key = keys.find(*vm);
    return {fmt::format("v{}", key->second.color),
            key->second.letter,
            "vCPU's core of " + printable(*vm)};
  }
  return plan.housekeeping.contains(cpu.number) ? Look{"free", "", "may take vectors"}
                                                : Look{"kept", "", "takes no vectors"};
}

/// The upper left corner of a CPU's cell.
struct Place {
  int x = 0;
  int y = 0;
};

std::string heat(const Place& at, double share) {
  constexpr int kMargin = 2;
  const auto width = share * (kCell - 2 * kMargin);
  return width < 1 ? std::string()
                   : fmt::format(R"(<rect class="heat" x="{}" y="{}" width="{:.0f}" height="4"/>)",
                                 at.x + kMargin,
                                 at.y + kCell - 6,
                                 width);
}

std::string mark(const Place& at, const std::string& text, std::string_view attribute) {
  constexpr int kBaseline = 14;
  return text.empty() ? std::string()
                      : fmt::format(R"(<text x="{}" y="{}" text-anchor="middle"{}>{}</text>)",
                                    at.x + kCell / 2,
                                    at.y + kBaseline,
                                    attribute,
                                    text);
}

std::string frame(const Place& at) {
  return fmt::format(R"(<rect class="hit" x="{}" y="{}" width="{}" height="{}"/>)",
                     at.x + 1,
                     at.y + 1,
                     kCell - 2,
                     kCell - 2);
}

std::string cell(const Look& look, const MapLoad& load, const Cpu& cpu, const Place& at) {
  const auto rate = load.rates.contains(cpu.number) ? load.rates.at(cpu.number) : 0.0;
  const auto vectors = load.vectors.contains(cpu.number) ? load.vectors.at(cpu.number) : 0U;
  auto out = fmt::format("<g><title>CPU {}: {}; {}, {:.0f} interrupts a second</title>",
                         cpu.number,
                         escaped(look.what),
                         counted(vectors, "vector"),
                         rate);
  out += fmt::format(R"(<rect class="cell {}" x="{}" y="{}" width="{}" height="{}"/>)",
                     look.fill,
                     at.x,
                     at.y,
                     kCell,
                     kCell);
  const auto weight = load.loads.contains(cpu.number) ? load.loads.at(cpu.number) : 0.0;
  out += heat(at, load.busiest > 0 ? weight / load.busiest : 0);
  const bool vcpu = !look.letter.empty();
  const auto number = vectors > 0 ? std::to_string(vectors) : std::string();
  out += mark(at, vcpu ? look.letter : number, vcpu ? R"( class="on")" : "");
  return out + (vcpu && vectors > 0 ? frame(at) : std::string()) + "</g>";
}

/// One node's cores below `top`; returns where the next may begin.
int add_node(const Host& host,
             std::optional<NodeId> node,
             const std::pair<const Plan&, const VmKeys&>& who,
             const MapLoad& load,
             std::pair<int, std::string&> out) {
  const auto cores = cores_of(host, node);
  auto& [top, svg] = out;
  if (cores.empty()) {
    return top;
  }
  const auto threads = static_cast<int>(std::ranges::max_element(cores, {}, &Core::size)->size());
  const auto name =
      node ? fmt::format("node {}", static_cast<std::uint32_t>(*node)) : std::string("CPUs");
  svg += fmt::format(R"(<text x="0" y="{}">{}</text>)", top + 13, name);
  const int row_height = threads * kCell + kGap;
  for (std::size_t i = 0; i < cores.size(); ++i) {
    const auto column = static_cast<int>(i) % kColumns;
    const auto row = static_cast<int>(i) / kColumns;
    Place at{column * (kCell + kGap) + 1, top + kHead + row * row_height};
    for (const auto* cpu : cores[i]) {
      svg += cell(look_of(who.first, who.second, *cpu), load, *cpu, at);
      at.y += kCell;
    }
  }
  const auto rows = (static_cast<int>(cores.size()) + kColumns - 1) / kColumns;
  return top + kHead + rows * row_height + kGap;
}

}  // namespace

VmKeys vm_keys(const Plan& plan) {
  constexpr std::size_t kColors = 8;
  constexpr std::size_t kLetters = 26;
  VmKeys keys;
  for (const auto& [cpu, reasons] : plan.protections) {
    if (const auto* vm = vm_on(plan, cpu)) {
      keys.emplace(*vm, VmKey{});
    }
  }
  std::size_t number = 0;
  for (auto& [name, key] : keys) {
    key.color = number % kColors;
    key.letter = std::string(number / kLetters + 1, static_cast<char>('A' + number % kLetters));
    ++number;
  }
  return keys;
}

std::string legend(const VmKeys& keys) {
  std::string out = "<p>";
  for (const auto& [name, key] : keys) {
    out +=
        fmt::format(R"(<span class="key v{}">{}</span>{} )", key.color, key.letter, escaped(name));
  }
  return out +
         R"(</p><p class="dim">A column is a core, its threads below each other. A letter: a core )"
         "where "
         "a vCPU of that VM runs. A number: vectors there. The bar: its load, interrupts a "
         "second. A frame: vectors that hit a vCPU's core.</p>";
}

std::string map_svg(const Host& host,
                    const Plan& plan,
                    const VmKeys& keys,
                    const MapLoad& load,
                    std::string_view caption) {
  std::set<std::optional<NodeId>> nodes;
  std::size_t most = 1;
  for (const auto& cpu : host.topology.cpus) {
    nodes.insert(cpu.node);
  }
  std::string body;
  int top = 0;
  for (const auto& node : nodes) {
    most = std::max(most, cores_of(host, node).size());
    top = add_node(host, node, {plan, keys}, load, {top, body});
  }
  const auto width = std::min(static_cast<int>(most), kColumns) * (kCell + kGap) + 2;
  return fmt::format(
      R"(<figure><figcaption>{}</figcaption><svg role="img" viewBox="0 0 {} {}" width="{}" )"
      R"(height="{}" aria-label="{}"><title>{}</title>{}</svg></figure>)",
      escaped(caption),
      std::max(width, 120),
      top,
      std::max(width, 120),
      top,
      escaped(caption),
      escaped(caption),
      body);
}

}  // namespace irqtune::html
