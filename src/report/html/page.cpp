// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/html.h"
#include "irqtune/report/report.h"

#include "report/html/parts.h"
#include "report/text/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace irqtune {

namespace html {

std::string escaped(std::string_view text) {
  constexpr std::array<std::pair<char, std::string_view>, 5> kEntities = {
      std::pair{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
  std::string out;
  for (const char c : printable(text)) {
    const auto* const found =
        std::ranges::find(kEntities, c, [](const auto& pair) { return pair.first; });
    if (found == kEntities.end()) {
      out += c;
    } else {
      out += found->second;
    }
  }
  return out;
}

}  // namespace html

namespace {

using html::escaped;

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.0f}", *value) : "unknown";
}

std::string row(std::string_view what, const std::string& before, const std::string& after) {
  return fmt::format(
      R"(<tr><td>{}</td><td class="n">{}</td><td class="n">{}</td></tr>)", what, before, after);
}

std::string summary(const Plan& plan) {
  const auto& before = plan.before;
  const auto& after = plan.after;
  auto out = std::string(
      R"(<table><thead><tr><th></th><th class="n">now</th><th class="n">with the plan</th></tr>)"
      "</thead><tbody>");
  out += row("Vectors on cores where vCPUs run",
             std::to_string(before.collisions),
             std::to_string(after.collisions));
  out += row("Vectors away from their NUMA node",
             std::to_string(before.remote),
             std::to_string(after.remote));
  out += row("Interrupts a second on the busiest housekeeping CPU",
             number(before.max_cpu_rate),
             number(after.max_cpu_rate));
  out += row(
      "CPUs that take vectors", std::to_string(before.cpus_used), std::to_string(after.cpus_used));
  return out + fmt::format("</tbody></table><p>{} of {} to change.</p>",
                           change_count(plan),
                           counted(plan.assignments.size(), "affinity mask"));
}

std::string vectors_table(const Plan& plan) {
  if (plan.assignments.empty()) {
    return "<p>No passed-through device has a vector.</p>";
  }
  std::string out =
      R"(<table><thead><tr><th>Vector</th><th class="n">IRQ</th><th>VM</th><th class="n">a )"
      "second</th><th>now</th><th>planned</th><th>why</th></tr></thead><tbody>";
  for (const auto& assignment : plan.assignments) {
    const auto name = assignment.vector ? vector_text(*assignment.vector)
                                        : fmt::format("{}", fmt::join(assignment.actions, ", "));
    out += fmt::format(
        R"(<tr><td>{}</td><td class="n">{}</td><td>{}</td><td class="n">{}</td><td>{}</td><td>{})"
        "</td><td>{}</td></tr>",
        escaped(name),
        static_cast<std::uint32_t>(assignment.irq),
        escaped(assignment.vm),
        number(assignment.rate),
        list_text(assignment.from_effective ? assignment.from_effective : assignment.from),
        assignment.change ? assignment.to.to_list() : std::string("stays"),
        escaped(assignment.reason));
  }
  return out + "</tbody></table>";
}

std::string lines(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) {
    out += escaped(text) + '\n';
  }
  return out.empty() ? out : fmt::format("<pre>{}</pre>", out);
}

std::string findings_text(const std::vector<Finding>& findings) {
  if (findings.empty()) {
    return R"(<p class="good">Nothing hurts.</p>)";
  }
  std::string out;
  for (const auto& finding : findings) {
    const auto* const tone = finding.severity == Severity::critical  ? "bad"
                             : finding.severity == Severity::warning ? "warn"
                                                                     : "dim";
    out += fmt::format(R"(<div class="finding"><strong class="{}">{}</strong> {} <span )"
                       R"(class="dim">({})</span>{}{}{})"
                       "</div>",
                       tone,
                       severity_text(finding.severity),
                       escaped(finding.title),
                       escaped(finding.id),
                       finding.cost.empty() ? "" : fmt::format("<p>{}</p>", escaped(finding.cost)),
                       lines(finding.evidence),
                       finding.remedy.empty() ? "" : "<p>What to do:</p>" + lines(finding.remedy));
  }
  return out;
}

double mean_of(const std::vector<double>& slices) {
  double sum = 0;
  for (const auto slice : slices) {
    sum += slice;
  }
  return slices.empty() ? 0 : sum / static_cast<double>(slices.size());
}

/// One figure over all measurements, as a small plot.
std::string plot(std::string_view caption, const std::vector<double>& values) {
  constexpr double kWidth = 300;
  constexpr double kHeight = 60;
  const auto most = std::max(1.0, *std::ranges::max_element(values));
  std::string points;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto x = values.size() > 1
                       ? kWidth * static_cast<double>(i) / static_cast<double>(values.size() - 1)
                       : 0;
    points += fmt::format("{:.1f},{:.1f} ", x, kHeight - values[i] / most * (kHeight - 4) - 2);
  }
  return fmt::format(
      R"(<figure><figcaption>{}: {:.0f} at first, {:.0f} at last</figcaption><svg role="img" )"
      R"(viewBox="0 0 {:.0f} {:.0f}" width="{:.0f}" height="{:.0f}"><title>{}</title><polyline )"
      R"(class="plot" points="{}"/></svg></figure>)",
      escaped(caption),
      values.front(),
      values.back(),
      kWidth,
      kHeight,
      kWidth,
      kHeight,
      escaped(caption),
      points);
}

/// The mean of one figure of each measurement that has it.
std::vector<double> means_of(const std::vector<std::vector<Sample>>& history,
                             std::string_view path) {
  std::vector<double> means;
  for (const auto& samples : history) {
    const auto found = std::ranges::find(samples, path, &Sample::path);
    if (found != samples.end()) {
      means.push_back(mean_of(found->slices));
    }
  }
  return means;
}

std::string history_text(const std::vector<std::vector<Sample>>& history) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kFigures = {
      std::pair{"totals.on_vcpu_cores.passthrough",
                "Interrupts a second of passed-through devices on vCPUs' cores"},
      {"totals.on_vcpu_cores.host", "Interrupts a second of the host's devices on vCPUs' cores"}};
  std::string out;
  for (const auto& [path, caption] : kFigures) {
    const auto values = means_of(history, path);
    out += values.size() > 1 ? plot(caption, values) : std::string();
  }
  return out.empty()
             ? out
             : R"(<section aria-labelledby="his"><h2 id="his">History</h2><div class="maps">)" +
                   out + "</div></section>";
}

/// Where the plan's vectors are, and what each CPU carries: now, or with the plan.
html::MapLoad map_load(const Host& host, const Plan& plan, bool planned) {
  html::MapLoad load;
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

std::string maps(const Host& host, const Plan& plan, const html::VmKeys& keys) {
  auto before = map_load(host, plan, false);
  auto after = map_load(host, plan, true);
  for (const auto* const loads : {&before.loads, &after.loads}) {
    for (const auto& [cpu, load] : *loads) {
      before.busiest = std::max(before.busiest, load);
    }
  }
  after.busiest = before.busiest;
  return html::map_svg(host, plan, keys, before, "Now") +
         html::map_svg(host, plan, keys, after, "With the plan");
}

/// The plan's JSON as a link that holds it, where it is small.
std::string source_link(const Plan& plan) {
  constexpr std::size_t kLargest = 100'000;
  const auto json = plan_json(plan);
  if (json.size() > kLargest) {
    return "The figures are those of <code>irqtune plan --json</code>.";
  }
  std::string encoded;
  for (const char c : json) {
    const bool plain =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == ':' || c == ',';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return fmt::format(
      R"(<a download="plan.json" href="data:application/json,{}">The plan that it was made from, )"
      "as JSON</a>",
      encoded);
}

std::string filled(std::string_view page,
                   const std::vector<std::pair<std::string_view, std::string>>& parts) {
  std::string out;
  while (!page.empty()) {
    const auto at = page.find('@');
    out += page.substr(0, at);
    page.remove_prefix(std::min(at, page.size()));
    const auto part = std::ranges::find_if(parts, [&](const auto& entry) {
      return page.starts_with(fmt::format("@{}@", entry.first));
    });
    if (part != parts.end()) {
      out += part->second;
      page.remove_prefix(part->first.size() + 2);
    } else if (!page.empty()) {
      out += page.front();
      page.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

std::string page_html(const PageContent& content) {
  const auto& [host, plan, findings, history] = content;
  const auto keys = html::vm_keys(plan);
  const auto name = host.id.hostname.value_or("this host");
  return filled(html::page_template(),
                {{"title", escaped("Interrupts and vCPUs on " + name)},
                 {"host",
                  escaped(fmt::format("{}, kernel {}, {} CPUs online, {}",
                                      name,
                                      host.id.kernel.value_or("unknown"),
                                      host.topology.online.size(),
                                      counted(host.vms.size(), "VM")))},
                 {"summary", summary(plan)},
                 {"legend", html::legend(keys)},
                 {"maps", maps(host, plan, keys)},
                 {"vectors", vectors_table(plan)},
                 {"findings", findings_text(findings)},
                 {"history", history_text(history)},
                 {"version", IRQTUNE_VERSION},
                 {"source", source_link(plan)}});
}

}  // namespace irqtune
