// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

bool has_passthrough(const Host& host) {
  return std::ranges::any_of(host.devices,
                             [](const PciDevice& device) { return device.passthrough; });
}

/// True if somebody would notice that interrupts move.
bool matters(const DiagnosisInput& input) {
  return has_passthrough(input.host) || has_pinned_vms(input.host);
}

std::string process_text(const Meddler& meddler) {
  return meddler.detail.empty() ? fmt::format("pid {}", meddler.pid)
                                : fmt::format("pid {}: {}", meddler.pid, printable(meddler.detail));
}

std::vector<PciAddress> passed_through(const Host& host) {
  std::vector<PciAddress> devices;
  for (const auto& device : host.devices) {
    if (device.passthrough) {
      devices.push_back(device.address);
    }
  }
  return devices;
}

/// True if irqbalance is told to keep off certain interrupts.
bool bans_numbers(const Meddler& meddler) {
  return std::ranges::any_of(words(meddler.detail), [](std::string_view word) {
    return word.starts_with("--bani") || word.starts_with("-i");
  });
}

/// irqbalance or TuneD, where it would set the vectors' masks again.
void find_undoing(const DiagnosisInput& input,
                  const Meddler& meddler,
                  std::vector<Finding>& findings) {
  if (!meddler.would_undo || !has_passthrough(input.host)) {
    return;
  }
  const bool balance = meddler.name == "irqbalance";
  auto finding = make_finding(
      balance ? "irqbalance-moves-vectors" : "tuned-moves-vectors",
      Severity::warning,
      balance ? std::string("irqbalance runs, and nothing keeps it off the passed-through vectors")
              : std::string("TuneD sets all interrupt affinities when its profile is applied"));
  finding.confidence = Confidence::likely;
  finding.cost =
      balance ? "masks that irqtune sets are overwritten within seconds (every 10 s by default)"
              : "masks that irqtune sets are lost when TuneD starts or changes profile";
  finding.evidence = {process_text(meddler)};
  if (balance && bans_numbers(meddler)) {
    finding.evidence.emplace_back(
        "--banirq bans numbers, and vectors get others whenever their guest reboots");
  }
  finding.remedy = meddler.advice;
  finding.devices = passed_through(input.host);
  findings.push_back(std::move(finding));
}

/// The CPUs that irqbalance ought to keep off.
CpuSet kept_clear(const DiagnosisInput& input) {
  const auto& topology = input.host.topology;
  auto cpus = vcpu_cpus(input.protections, true) | topology.isolated | topology.nohz_full;
  for (const auto& partition : topology.partitions) {
    cpus |= partition.cpus;
  }
  return cpus & topology.online;
}

/// What decides which CPUs irqbalance keeps off.
std::string banned_text(const Meddler& meddler) {
  if (meddler.banned_by.empty()) {
    return fmt::format("it keeps off isolcpus= and nohz_full= only ({}), and knows no vCPU pins",
                       meddler.banned_cpus.empty() ? "none" : meddler.banned_cpus.to_list());
  }
  if (!meddler.banned_readable) {
    return fmt::format(
        "{}={} is nothing that irqbalance can read ({}): it bans less than that says, or nothing, "
        "and does not look at isolcpus= and nohz_full=",
        meddler.banned_by,
        printable(meddler.banned_value),
        meddler.banned_by == "IRQBALANCE_BANNED_CPUS" ? "hexadecimal digits without 0x"
                                                      : "no blanks, no strides");
  }
  if (meddler.banned_cpus.empty() && !meddler.banned_value.empty()) {
    return fmt::format("{}={} bans no CPU: isolcpus= and nohz_full= are not looked at then",
                       meddler.banned_by,
                       printable(meddler.banned_value));
  }
  if (meddler.banned_cpus.empty()) {
    return fmt::format(
        "{} is set to nothing: irqbalance up to 1.9.5 then keeps off isolcpus= and nohz_full=, "
        "later ones off no CPU",
        meddler.banned_by);
  }
  return fmt::format("{} is set ({}): isolcpus= and nohz_full= are not looked at then",
                     meddler.banned_by,
                     meddler.banned_cpus.to_list());
}

void find_balanced_cpus(const DiagnosisInput& input,
                        const Meddler& meddler,
                        std::vector<Finding>& findings) {
  const auto& topology = input.host.topology;
  const auto open = kept_clear(input) - meddler.banned_cpus;
  if (meddler.name != "irqbalance" || open.empty()) {
    return;
  }
  const auto isolated = open & (topology.isolated | topology.nohz_full);
  const bool overrides = !meddler.banned_by.empty() && !isolated.empty();
  auto finding = make_finding(
      "irqbalance-cpus",
      Severity::warning,
      overrides ? fmt::format("irqbalance's own CPU list overrides isolation: it may use {}",
                              short_list(open))
                : fmt::format("irqbalance may put the host's interrupts on {} ({})",
                              open.intersects(vcpu_cpus(input.protections, true)) ? "vCPUs' cores"
                                                                                  : "isolated CPUs",
                              short_list(open)));
  finding.cost =
      "the host's devices interrupt what was to be left alone, ever anew (every 10 s by default)";
  finding.evidence = {process_text(meddler)};
  finding.evidence.push_back(banned_text(meddler));
  if (overrides && meddler.banned_value.empty() && meddler.banned_cpus.empty()) {
    finding.confidence = Confidence::possible;  // Its version decides.
  }
  const auto banned = kept_clear(input) | meddler.banned_cpus;
  finding.remedy = {fmt::format("in {}{}:",
                                meddler.config,
                                meddler.banned_by == "IRQBALANCE_BANNED_CPUS"
                                    ? ", in place of IRQBALANCE_BANNED_CPUS, which would win"
                                    : ""),
                    fmt::format("IRQBALANCE_BANNED_CPULIST={}", banned.to_list()),
                    "irqbalance before 1.8 knows only:",
                    fmt::format("IRQBALANCE_BANNED_CPUS={}", banned.to_mask())};
  finding.remedy.emplace_back("systemctl restart irqbalance");
  finding.cpus = open;
  findings.push_back(std::move(finding));
}

void find_host_agents(const DiagnosisInput& input,
                      const Meddler& meddler,
                      std::vector<Finding>& findings) {
  const bool crio = meddler.name == "crio";
  const bool google = meddler.name == "google-guest-agent";
  if ((!crio && !google) || meddler.advice.empty() || !matters(input)) {
    return;
  }
  auto finding = make_finding(
      crio ? "crio-irq-affinity" : "google-agent-irq-affinity",
      Severity::info,
      crio ? "CRI-O rewrites the default affinity and irqbalance's CPU list for its pods"
           : "google-guest-agent sets the affinities of the host's network queues");
  finding.confidence = Confidence::possible;
  finding.cost = crio ? "new vectors start where CRI-O's pods leave room, not where VMs do"
                      : "a host queue may come to interrupt a vCPU's core";
  finding.evidence = {process_text(meddler)};
  finding.remedy = meddler.advice;
  findings.push_back(std::move(finding));
}

/// What one .link file asks of udev. Source: systemd.link(5), systemd/systemd#40304.
struct LinkFile {
  bool active = false;  ///< IRQAffinityPolicy= is set.
  bool single = false;
  bool filtered = false;  ///< By IRQAffinity= or IRQAffinityNUMA=.
  CpuSet cpus;
  std::vector<std::string> lines;
};

CpuSet link_cpus(const Host& host, const LinkFile& link) {
  const auto all = link.filtered ? link.cpus : host.topology.online;
  return link.single && all.first() ? CpuSet{*all.first()} : all;
}

void add_link_line(const Host& host, const ConfigLine& line, LinkFile& link) {
  std::string_view value = line.text;
  const auto key = trimmed(take_until(value, '='));
  value = trimmed(value);
  link.lines.push_back(line_text(line));
  if (key == "IRQAffinityPolicy") {
    link.active = !value.empty();
    link.single = value == "single";
  } else if (key == "IRQAffinity") {
    link.filtered = link.filtered || !value.empty();
    link.cpus |= CpuSet::parse_list(value).value_or(CpuSet{});
  } else if (key == "IRQAffinityNUMA") {
    link.filtered = link.filtered || !value.empty();
    for (const auto& node : host.topology.nodes) {
      const bool named = parse_number<unsigned>(value) == static_cast<unsigned>(node.id);
      link.cpus |= named || value == "auto" ? node.cpus : CpuSet{};
    }
  }
}

/// A vendor's file is not edited: one of the same name in /etc takes its place. CPUs of several
/// filters add up, so those that are there have to go.
std::vector<std::string> link_remedy(const std::string& file,
                                     const LinkFile& link,
                                     const CpuSet& housekeeping) {
  constexpr std::string_view kOwn = "/etc/systemd/network/";
  const bool dropin = file.find(".link.d/") != std::string::npos;
  const auto own = dropin ? file : fmt::format("{}{}", kOwn, file.substr(file.rfind('/') + 1));
  std::vector<std::string> remedy;
  if (!file.starts_with(kOwn)) {
    remedy.emplace_back("a file in /etc takes the place of one of the same name elsewhere:");
    remedy.push_back(fmt::format("cp {} {}", shell_word(file), shell_word(own)));
  }
  remedy.push_back(
      fmt::format("in {}, section [Link]{}:",
                  own,
                  link.filtered ? ", in the place of IRQAffinity= and IRQAffinityNUMA=" : ""));
  remedy.push_back(fmt::format("IRQAffinity={}", housekeeping.to_list()));
  remedy.emplace_back("udevadm control --reload");
  remedy.emplace_back("what is there already:");
  remedy.emplace_back("irqtune apply --scope evict");
  return remedy;
}

/// The .link file that a drop-in belongs to, wherever it is; the drop-in itself if nothing is known
/// of that file.
std::string link_of(const std::string& dropin,
                    std::size_t at,
                    const std::map<std::string, LinkFile>& files) {
  const auto slash = dropin.rfind('/', at);
  const auto name = dropin.substr(slash, at - slash) + ".link";
  const auto found =
      std::ranges::find_if(files, [&](const auto& entry) { return entry.first.ends_with(name); });
  return found == files.end() ? dropin : found->first;
}

/// What each .link file says with its drop-ins, by its name.
std::map<std::string, LinkFile> links_of(const DiagnosisInput& input) {
  std::map<std::string, LinkFile> files;
  std::vector<const ConfigLine*> dropins;  // These add to what their file says.
  for (const auto& line : input.settings.config) {
    if (line.topic != ConfigTopic::link) {
      continue;
    }
    if (line.file.find(".link.d/") != std::string::npos) {
      dropins.push_back(&line);
    } else {
      add_link_line(input.host, line, files[line.file]);
    }
  }
  for (const auto* line : dropins) {
    add_link_line(
        input.host, *line, files[link_of(line->file, line->file.find(".link.d/"), files)]);
  }
  return files;
}

void find_links(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto files = links_of(input);
  for (const auto& [file, link] : files) {
    const auto hit = link_cpus(input.host, link) & vcpu_cpus(input.protections, true);
    if (!link.active || hit.empty()) {
      continue;
    }
    auto finding = make_finding(
        "link-irq-affinity",
        Severity::warning,
        fmt::format("{} lets udev put a network device's interrupts on vCPUs' cores ({})",
                    file,
                    hit.to_list()));
    finding.cost = "they go there whenever the device appears, and irqtune's evict is undone";
    finding.evidence = link.lines;
    finding.remedy = link_remedy(file, link, input.plan.housekeeping);
    finding.cpus = hit;
    findings.push_back(std::move(finding));
  }
}

/// True if the line may reach every interrupt, vfio's too.
bool is_wide(const ConfigLine& line) {
  return line.text.find("vfio") != std::string::npos ||
         line.text.find("/proc/irq/*") != std::string::npos ||
         line.text.find("default_smp_affinity") != std::string::npos;
}

void find_scripts(const DiagnosisInput& input, std::vector<Finding>& findings) {
  std::vector<std::string> lines;
  bool wide = false;
  for (const auto& line : input.settings.config) {
    if (line.topic == ConfigTopic::irq_affinity) {
      lines.push_back(line_text(line));
      wide = wide || is_wide(line);
    }
  }
  if (lines.empty() || !matters(input)) {
    return;
  }
  auto finding = make_finding("irq-affinity-script",
                              wide ? Severity::warning : Severity::info,
                              "scripts on this host set interrupt affinities too");
  finding.confidence = wide ? Confidence::likely : Confidence::possible;
  finding.cost = "whoever writes last wins";
  shorten(lines, 8);
  finding.evidence = std::move(lines);
  finding.remedy = {
      "in the script's loop over /proc/irq/$irq, leave the passed-through vectors alone:",
      "ls -d /proc/irq/$irq/vfio-* >/dev/null 2>&1 && continue",
      "or run `irqtune apply` behind it, and `irqtune check` to see whether it held"};
  findings.push_back(std::move(finding));
}

}  // namespace

void find_tuners(const DiagnosisInput& input, std::vector<Finding>& findings) {
  for (const auto& meddler : input.settings.meddlers) {
    find_undoing(input, meddler, findings);
    find_balanced_cpus(input, meddler, findings);
    find_host_agents(input, meddler, findings);
  }
  find_links(input, findings);
  find_scripts(input, findings);
}

}  // namespace irqtune::diagnosis

namespace irqtune {

std::vector<Finding> find_conflicts(const DiagnosisInput& input) {
  std::vector<Finding> findings;
  diagnosis::find_tuners(input, findings);
  return findings;
}

}  // namespace irqtune
