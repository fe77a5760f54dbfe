// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"
#include "irqtune/diagnose/diagnose.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

#include "diagnose/command_line.h"
#include "diagnose/parts.h"

namespace irqtune {

namespace {

/// Whether changing an affinity breaks posted vectors on this kernel.
enum class Breaks : std::uint8_t { no, yes, unknown };

struct Release {
  int major = 0;
  int minor = 0;
  int patch = 0;
  bool vendor =
      false;  ///< The distribution counts by itself: "6.12.0-55.el10", "6.11.0-26-generic".
};

/// The number at the front of `rest`, which is removed with the dot behind it.
std::optional<int> take_number(std::string_view& rest) {
  const auto end = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const auto number = parse_number<int>(rest.substr(0, end));
  rest.remove_prefix(end);
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
  }
  return number;
}

/// "6.12.95+deb12-amd64" -> 6, 12, 95; "6.12" -> 6, 12, 0.
std::optional<Release> parse_release(std::string_view text) {
  const auto major = take_number(text);
  const auto minor = take_number(text);
  const auto patch = take_number(text).value_or(0);
  if (!major || !minor) {
    return std::nullopt;
  }
  const bool numbered = text.size() > 1 && text[0] == '-' && text[1] >= '0' && text[1] <= '9';
  return Release{*major, *minor, patch, patch == 0 && numbered};
}

/// From 6.10, which has posted MSIs first, to the stable releases of April 2025. A distribution
/// that counts by itself may have the fix in those, or posted MSIs in older ones.
Breaks clobbers(const Release& release, const PostingFacts& posting) {
  constexpr std::array kFixed = {Release{6, 12, 24}, Release{6, 13, 12}, Release{6, 14, 3}};
  if (release.major < 6 || (release.major == 6 && release.minor < 10)) {
    return release.vendor && posting.posted_msi == true ? Breaks::unknown : Breaks::no;
  }
  const bool fixed = std::ranges::any_of(kFixed, [&](const Release& one) {
    return release.minor == one.minor && release.patch >= one.patch;
  });
  if (release.major > 6 || release.minor > 14 || fixed) {
    return Breaks::no;
  }
  return release.vendor ? Breaks::unknown : Breaks::yes;
}

Breaks breaks_posting(const HostId& id, const PostingFacts& posting) {
  const auto parameters = parse_kernel_parameters(id.cmdline.value_or(""));
  const auto release = parse_release(id.kernel.value_or(""));
  // Posted MSIs are Intel's. Where KVM posts nothing, there is nothing to lose.
  const bool amd = posting.avic && !posting.apicv;
  if (!release || amd || posting.posted_msi == false ||
      find_word(parameters, "intremap", "posted_msi") == nullptr ||
      may_post(posting, parameters) == false) {
    return Breaks::no;
  }
  return clobbers(*release, posting);
}

std::string flag_text(bool flag) {
  return flag ? "Y" : "N";
}

std::vector<std::string> parameters_text(const PostingFacts& posting) {
  std::vector<std::string> lines;
  const auto add = [&](std::string_view name, const std::optional<bool>& value) {
    if (value) {
      lines.push_back(fmt::format("/sys/module/{}: {}", name, flag_text(*value)));
    }
  };
  add("kvm_*/parameters/enable_device_posted_irqs", posting.device_posted_irqs);
  add("kvm_intel/parameters/enable_apicv", posting.apicv);
  add("kvm_amd/parameters/avic", posting.avic);
  if (posting.iommu) {
    lines.push_back(fmt::format("/sys/devices/virtual/iommu/*/intel-iommu/cap: {} can post",
                                *posting.iommu ? "every IOMMU" : "not every IOMMU"));
  }
  return lines;
}

/// What to do before a fixed kernel runs.
std::vector<std::string> clobber_remedy(const DiagnosisInput& input, bool known) {
  std::vector<std::string> remedy = {
      "until then change no affinity: `irqtune apply` refuses without --force"};
  if (std::ranges::find(input.settings.meddlers, "irqbalance", &Meddler::name) !=
      input.settings.meddlers.end()) {
    remedy.emplace_back("systemctl stop irqbalance");
  }
  if (!known) {
    remedy.emplace_back("does this kernel have the fix? RHEL:");
    remedy.emplace_back("rpm -q --changelog kernel-core-$(uname -r) | grep -i 'clobber posted'");
    remedy.emplace_back("Ubuntu, Debian:");
    remedy.emplace_back("apt changelog linux-image-$(uname -r) | grep -i 'clobber posted'");
  }
  remedy.emplace_back(
      "reboot into a kernel with the fix, commit 688124cc541f (iommu/vt-d: Don't clobber posted "
      "vCPU "
      "IRTE)");
  const auto* token = find_word(input.settings.kernel, "intremap", "posted_msi");
  auto drop =
      diagnosis::drop_token(token != nullptr ? parameter_text(*token) : "intremap=posted_msi");
  drop.front() = fmt::format("or, since it serves the host's own devices only, {}", drop.front());
  std::ranges::move(drop, std::back_inserter(remedy));
  return remedy;
}

std::optional<Finding> clobber(const DiagnosisInput& input) {
  const auto& id = input.host.id;
  const auto why = why_posting_breaks(id, input.settings.posting);
  if (!why) {
    return std::nullopt;
  }
  const bool known = breaks_posting(id, input.settings.posting) == Breaks::yes;
  Finding finding;
  finding.id = "posted-msi-clobber";
  finding.severity = known ? Severity::critical : Severity::warning;
  finding.confidence = known ? Confidence::likely : Confidence::possible;
  finding.title = *why;
  finding.cost =
      "a vector loses its way to the vCPU that it is posted to: interrupts of the guest go amiss";
  finding.evidence = {
      "/proc/cmdline: intremap=posted_msi",
      fmt::format(
          "/proc/sys/kernel/osrelease: {}; {}",
          printable(id.kernel.value_or("")),
          known ? "the fix is in 6.12.24, 6.13.12, 6.14.3, 6.15"
                : "the distribution's own number, which does not tell whether the fix is in")};
  const auto parameters = parameters_text(input.settings.posting);
  finding.evidence.insert(finding.evidence.end(), parameters.begin(), parameters.end());
  finding.remedy = clobber_remedy(input, known);
  for (const auto& irq : input.host.irqs) {
    if (irq.vector) {
      finding.irqs.push_back(irq.number);
    }
  }
  return finding;
}

/// The vectors in a state, device by device: "0000:3b:00.0: IRQ 40, 41 (2)".
struct Group {
  PciAddress device;
  std::vector<const Irq*> irqs;
};

std::vector<Group> groups_of(const Host& host) {
  std::vector<Group> groups;
  for (const auto& irq : host.irqs) {
    const bool may = irq.posted == Posted::posted || irq.posted == Posted::possible;
    if (!irq.vector || !may) {
      continue;
    }
    auto group = std::ranges::find(groups, irq.vector->device, &Group::device);
    if (group == groups.end()) {
      group = groups.insert(groups.end(), {irq.vector->device, {}});
    }
    group->irqs.push_back(&irq);
  }
  std::ranges::sort(groups, {}, &Group::device);
  return groups;
}

/// A posted vector's row does not count: the host's handler never runs.
bool stands_still(const Irq& irq, const Host& host) {
  return host.rate_source == RateSource::sampled ? rate_of(host, irq) == 0.0
                                                 : total_count(irq) == 0;
}

std::string group_text(const Group& group, const Host& host) {
  const auto still =
      std::ranges::count_if(group.irqs, [&](const Irq* irq) { return stands_still(*irq, host); });
  const auto* vm = find_owner(host, group.device);
  const bool sampled = host.rate_source == RateSource::sampled;
  return fmt::format("{}{}: {} of {} rows {}",
                     group.device.to_string(),
                     vm == nullptr ? "" : fmt::format(" (VM {})", vm->name),
                     still,
                     group.irqs.size(),
                     sampled ? "stood still during the sample: posted, or idle"
                             : "have never counted: posted, or idle");
}

/// Source: Linux arch/x86/kernel/irq.c: notifications of posted interrupts, not of one device.
std::vector<std::string> counters_text(const Host& host) {
  constexpr std::array<std::string_view, 3> kLabels = {"PIN", "NPI", "PIW"};
  std::vector<std::string> parts;
  for (const auto& row : host.counters) {
    if (std::ranges::find(kLabels, row.label) != kLabels.end() && row.total > 0) {
      parts.push_back(fmt::format("{} {}", row.label, row.total));
    }
  }
  return parts.empty() ? parts
                       : std::vector{fmt::format(
                             "/proc/interrupts: {} (notifications; KVM's own too, so no proof)",
                             fmt::join(parts, ", "))};
}

std::vector<std::string> evidence_of(const std::vector<Group>& groups,
                                     const DiagnosisInput& input) {
  constexpr std::size_t kShown = 8;
  auto lines = parameters_text(input.settings.posting);
  const auto remapped = std::ranges::any_of(
      groups, [](const Group& group) { return group.irqs.front()->chip.starts_with("IR-"); });
  if (remapped) {
    lines.emplace_back("their chips are IR-...: interrupts are remapped, as posting needs");
  }
  for (std::size_t i = 0; i < std::min(groups.size(), kShown); ++i) {
    lines.push_back(group_text(groups[i], input.host));
  }
  if (groups.size() > kShown) {
    lines.push_back(fmt::format("and {} more devices", groups.size() - kShown));
  }
  const auto counters = counters_text(input.host);
  lines.insert(lines.end(), counters.begin(), counters.end());
  return lines;
}

std::optional<Finding> posting(const DiagnosisInput& input) {
  const auto groups = groups_of(input.host);
  if (groups.empty()) {
    return std::nullopt;
  }
  Finding finding;
  finding.id = "irq-posted";
  finding.confidence = Confidence::possible;
  std::set<std::string> vms;
  for (const auto& group : groups) {
    finding.devices.push_back(group.device);
    for (const auto* irq : group.irqs) {
      finding.irqs.push_back(irq->number);
    }
    if (const auto* vm = find_owner(input.host, group.device)) {
      vms.insert(vm->name);
    }
  }
  finding.vms.assign(vms.begin(), vms.end());
  std::ranges::sort(finding.irqs);
  finding.title = fmt::format(
      "Affinity may have little effect on {} vector{}: KVM can post them to running vCPUs",
      finding.irqs.size(),
      finding.irqs.size() == 1 ? "" : "s");
  finding.cost =
      "none: a posted vector goes to its vCPU by itself; do not expect gains from moving it";
  finding.evidence = evidence_of(groups, input);
  finding.remedy = {
      "keep the vectors on housekeeping CPUs all the same: that is where they go when posting "
      "stops",
      "see which are posted, while the guest's driver loads:",
      "trace-cmd record -e kvm:kvm_pi_irte_update"};
  return finding;
}

}  // namespace

std::optional<std::string> why_posting_breaks(const HostId& id, const PostingFacts& posting) {
  const auto breaks = breaks_posting(id, posting);
  if (breaks == Breaks::no) {
    return std::nullopt;
  }
  return fmt::format(
      "kernel {} with intremap=posted_msi: changing an affinity {} vectors posted to "
      "vCPUs",
      printable(id.kernel.value_or("")),
      breaks == Breaks::yes ? "breaks" : "may break");
}

std::vector<Finding> find_posting(const DiagnosisInput& input) {
  std::vector<Finding> findings;
  for (const auto& finding : {clobber(input), posting(input)}) {
    if (finding) {
      findings.push_back(*finding);
    }
  }
  return findings;
}

}  // namespace irqtune
