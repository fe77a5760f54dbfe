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

std::string filled(std::string_view page, const Parts& parts) {
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
      R"(<table class="sum"><thead><tr><td></td><th class="n">now</th><th class="n">with the plan</th></tr>)"
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
      R"(<table class="vectors"><thead><tr><th class="v">Vector</th><th class="n">IRQ</th><th )"
      R"(class="name">VM</th><th class="n">a second</th><th class="cpus">now</th><th )"
      R"(class="cpus">planned</th><th class="why">why</th></tr></thead><tbody>)";
  for (const auto& assignment : plan.assignments) {
    const auto name = assignment.vector ? vector_text(*assignment.vector)
                                        : fmt::format("{}", fmt::join(assignment.actions, ", "));
    out += fmt::format(
        R"(<tr><td class="v">{}</td><td class="n">{}</td><td class="name">{}</td><td class="n">{}</td>)"
        R"(<td class="cpus">{}</td><td class="cpus">{}</td><td class="why">{}</td></tr>)",
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

std::string history_text(const std::vector<std::vector<Sample>>& history) {
  const auto plots = html::history_plots(history);
  return plots.empty()
             ? plots
             : R"(<section aria-labelledby="his"><h2 id="his">History</h2><div class="maps">)" +
                   plots + "</div></section>";
}

std::string legend(const html::VmKeys& keys) {
  std::string out = R"(<p class="keys">)";
  for (const auto& [name, key] : keys) {
    out += fmt::format(
        R"(<span><b class="v{}">{}</b>{}</span> )", key.color, key.letter, escaped(name));
  }
  return out + R"(</p><p class="dim">)" + escaped(html::map_words()) + "</p>";
}

std::string figure(std::string_view caption, const std::vector<html::DrawnBlock>& blocks) {
  auto out =
      fmt::format(R"(<figure><figcaption>{}</figcaption><div class="blocks">)", escaped(caption));
  for (const auto& [title, drawing] : blocks) {
    out += fmt::format(
        R"(<svg role="group" viewBox="0 0 {0} {1}" width="{0}" height="{1}" aria-label="{2}: {3}">{4}</svg>)",
        drawing.width,
        drawing.height,
        escaped(caption),
        escaped(title),
        drawing.svg);
  }
  return out + "</div></figure>";
}

std::string figures(const Host& host, const Plan& plan, const html::VmKeys& keys) {
  const auto maps = html::maps_of(host, plan);
  return figure("Now", html::drawn_blocks(host, plan, keys, maps.now)) +
         figure("With the plan", html::drawn_blocks(host, plan, keys, maps.planned));
}

std::string sources(const PageContent& content) {
  return html::source_link("plan", plan_json(content.plan)) + ", " +
         html::source_link("diagnose",
                           diagnosis_json({content.host.id, content.findings, {}, false, {}}));
}

}  // namespace

std::string page_html(const PageContent& content) {
  const auto& [host, plan, findings, history] = content;
  const auto keys = html::vm_keys(plan);
  const auto name = host.id.hostname.value_or("this host");
  return html::filled(html::page_template(),
                      {{"title", escaped("Interrupts and vCPUs on " + name)},
                       {"host",
                        escaped(fmt::format("{}, kernel {}, {} CPUs online, {}",
                                            name,
                                            host.id.kernel.value_or("unknown"),
                                            host.topology.online.size(),
                                            counted(host.vms.size(), "VM")))},
                       {"summary", summary(plan)},
                       {"style", std::string(html::map_style())},
                       {"legend", legend(keys)},
                       {"maps", figures(host, plan, keys)},
                       {"vectors", vectors_table(plan)},
                       {"findings", findings_text(findings)},
                       {"history", history_text(history)},
                       {"version", IRQTUNE_VERSION},
                       {"source", sources(content)}});
}

}  // namespace irqtune
