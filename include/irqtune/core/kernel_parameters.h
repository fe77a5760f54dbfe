// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/cpu_set.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// One parameter of the kernel command line.
struct KernelParameter {
  std::string name;   ///< '-' written as '_', which the kernel takes for the same.
  std::string value;  ///< Without quotes; empty where there is no '='.
  friend bool operator==(const KernelParameter&, const KernelParameter&) = default;
};

using KernelParameters = std::vector<KernelParameter>;  ///< In the order of the command line.

/// The parameters of a kernel command line, without those for init. Quotes are removed, '-' in
/// names is '_'. Source: Linux lib/cmdline.c, next_arg(); kernel/params.c, dash2underscore().
[[nodiscard]] KernelParameters parse_kernel_parameters(std::string_view text);

/// "isolcpus=2-7", "quiet"
[[nodiscard]] std::string parameter_text(const KernelParameter& parameter);

/// The last parameter of this name, which is the one that counts for most; nullptr if there is
/// none. `name` has '_' for '-'.
[[nodiscard]] const KernelParameter* find_parameter(const KernelParameters& parameters,
                                                    std::string_view name) noexcept;

/// True if the comma-separated value has this word: "managed_irq" in "managed_irq,domain,2-7".
[[nodiscard]] bool has_word(std::string_view value, std::string_view word);

/// The parameter of this name that has this word among its values, which no later one takes back
/// with `undo` (empty: nothing does); nullptr if there is none. Such words add up: "intremap=nopost
/// intremap=on" still posts nothing.
[[nodiscard]] const KernelParameter* find_word(const KernelParameters& parameters,
                                               std::string_view name,
                                               std::string_view word,
                                               std::string_view undo = {});

/// What the command line says about CPUs, as the kernel takes it. Empty optional: nothing.
/// Source: Linux kernel/sched/isolation.c, kernel/irq/irqdesc.c (irq_affinity_setup()),
/// kernel/rcu/tree_nocb.h.
struct CpuParameters {
  std::optional<CpuSet> irqaffinity;  ///< Of several, the last one counts.
  std::optional<CpuSet> domain;       ///< isolcpus= without flags, or with "domain": the first.
  std::optional<CpuSet> managed_irq;  ///< isolcpus= with this flag: the first.
  std::optional<CpuSet> nohz_full;    ///< Or isolcpus= with "nohz": the first.
  std::optional<CpuSet> rcu_nocbs;    ///< The last; without a list, no CPU.
  std::vector<std::string> refused;   ///< "isolcpus=2-x": no list, so the kernel ignores it.
};

/// `last_cpu`: what "N" in a list stands for; empty if that is not known, and such lists are then
/// neither taken nor refused.
[[nodiscard]] CpuParameters cpu_parameters(const KernelParameters& parameters,
                                           std::optional<int> last_cpu);

}  // namespace irqtune
