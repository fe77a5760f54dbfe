// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "diagnose/command_line.h"
#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

constexpr std::array<std::string_view, 4> kOfCpus = {
    "irqaffinity", "isolcpus", "nohz_full", "rcu_nocbs"};

/// Parameters that bear on interrupts, and stay as they are unless a finding speaks against them.
struct Kept {
  std::string_view token;  ///< Or only a name, for any other value.
  std::string_view why;
};

constexpr std::array kKept = {
    Kept{"intel_iommu=on", "passthrough needs the IOMMU, which not every kernel switches on"},
    Kept{"iommu=pt",
         "the host's own devices are not translated; no matter to guests and interrupts"},
    Kept{"intel_iommu", "stays"},
    Kept{"amd_iommu", "stays"},
    Kept{"iommu", "stays"},
    Kept{"intremap", "stays"},
};

/// Values for which there are findings of their own.
bool is_harmful(const KernelParameter& parameter) {
  constexpr std::array<std::string_view, 3> kWords = {"off", "nopost", "posted_msi"};
  return std::ranges::any_of(kWords, [&](auto word) { return has_word(parameter.value, word); });
}

/// The row for a parameter; nullptr if it is none of those that are kept.
const Kept* find_kept(const KernelParameter& parameter) {
  const auto token = parameter_text(parameter);
  const auto* const row = std::ranges::find_if(
      kKept, [&](const Kept& kept) { return kept.token == token || kept.token == parameter.name; });
  return row == kKept.end() || is_harmful(parameter) ? nullptr : row;
}

/// Where the line is kept; a command for the last one follows.
constexpr std::string_view kBootLoaders =
    "Debian, Ubuntu: GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub; Proxmox with "
    "systemd-boot: /etc/kernel/cmdline, then proxmox-boot-tool refresh; RHEL, Fedora:";

struct Tokens {
  std::string line;
  std::vector<std::string> why;

  void add(const std::string& token, std::string_view reason) {
    line += (line.empty() ? "" : " ") + token;
    why.push_back(fmt::format("{}: {}", token.substr(0, token.find('=')), reason));
  }
};

/// Whether isolcpus= is to have domain, and why.
struct Isolation {
  std::string_view flags;
  std::string_view why;
};

Isolation isolation_for(const CpuLists& lists) {
  if (!lists.one_each) {
    return {"managed_irq",
            "queues that the kernel manages keep off the vCPUs' cores. Without domain, because "
            "the scheduler moves nothing between isolated CPUs: vCPUs that share several would "
            "pile up on one"};
  }
  if (lists.isolated.contains_all(lists.vcpus) && !lists.asked.domain) {
    return {"managed_irq",
            "queues that the kernel manages keep off the cores; the cpuset partition does the "
            "rest"};
  }
  return {"managed_irq,domain",
          "queues that the kernel manages, and other tasks, keep off the vCPUs' cores; it holds "
          "until the next reboot: where VMs come and go, use isolated cpuset partitions and leave "
          "domain out"};
}

void add_kept(const Settings& settings, Tokens& tokens) {
  for (const auto& parameter : settings.kernel) {
    const auto* kept = find_kept(parameter);
    if (kept != nullptr && parameter_text(parameter) == "amd_iommu=on") {
      tokens.why.emplace_back(
          "amd_iommu=on may go: the kernel knows no such value; AMD's IOMMU is "
          "on by itself");
    } else if (kept != nullptr) {
      tokens.add(printable(parameter_text(parameter)), kept->why);
    }
  }
}

Tokens tokens_for(const DiagnosisInput& input, const CpuLists& lists) {
  Tokens tokens;
  const auto wanted = isolated_wish(input, lists);
  tokens.add("irqaffinity=" + (input.plan.housekeeping - wanted).to_list(),
             lists.cores.contains(0)
                 ? "interrupts start on housekeeping CPUs; and on CPU 0, where the kernel boots: "
                   "better pin no vCPU there"
                 : "interrupts start on housekeeping CPUs (the kernel adds the CPU it boots on)");
  tokens.add(isolcpus_token(input, lists), isolation_for(lists).why);
  if (lists.asked.nohz_full) {
    tokens.add("nohz_full=" + wanted.to_list(),
               "no tick while one vCPU thread runs alone; implies rcu_nocbs, costs at each kernel "
               "entry");
    if (lists.asked.rcu_nocbs) {
      tokens.why.emplace_back("rcu_nocbs= may go: nohz_full= implies it");
    }
  }
  add_kept(input.settings, tokens);
  return tokens;
}

}  // namespace

CpuSet isolated_wish(const DiagnosisInput& input, const CpuLists& lists) {
  CpuSet existing;
  for (const auto& cpu : input.host.topology.cpus) {
    existing.insert(cpu.number);
  }
  return (lists.cores | lists.asked.domain.value_or(CpuSet{}) |
          lists.asked.managed_irq.value_or(CpuSet{})) &
         existing;
}

std::string isolcpus_token(const DiagnosisInput& input, const CpuLists& lists) {
  return fmt::format(
      "isolcpus={},{}", isolation_for(lists).flags, isolated_wish(input, lists).to_list());
}

std::string current_tokens(const Settings& settings) {
  std::string text;
  for (const auto& parameter : settings.kernel) {
    const bool of_cpus = std::ranges::find(kOfCpus, parameter.name) != kOfCpus.end();
    const bool of_interrupts =
        std::ranges::any_of(kKept, [&](const Kept& kept) { return kept.token == parameter.name; });
    if (of_cpus || of_interrupts) {
      text += text.empty() ? "" : " ";
      text += parameter_text(parameter);
    }
  }
  return printable(text.empty() ? "nothing about interrupts or isolation" : text);
}

std::vector<std::string> recommended_tokens(const DiagnosisInput& input, const CpuLists& lists) {
  const auto wanted = isolated_wish(input, lists);
  if (lists.cores.empty() || (input.plan.housekeeping - wanted).empty()) {
    return {
        "make the lists agree: vCPUs' cores in isolcpus= and nohz_full=, all others in "
        "irqaffinity="};
  }
  auto tokens = tokens_for(input, lists);
  std::vector<std::string> remedy = {"on the kernel command line:", tokens.line};
  std::ranges::move(tokens.why, std::back_inserter(remedy));
  remedy.emplace_back(kBootLoaders);
  remedy.push_back(fmt::format("grubby --update-kernel=ALL --args='{}'", tokens.line));
  remedy.emplace_back("and reboot");
  return remedy;
}

std::vector<std::string> drop_token(std::string_view token) {
  return {fmt::format("take {} off the kernel command line. {}", printable(token), kBootLoaders),
          fmt::format("grubby --update-kernel=ALL --remove-args={}", shell_word(token)),
          "and reboot"};
}

}  // namespace irqtune::diagnosis
