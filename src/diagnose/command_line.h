// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/kernel_parameters.h"
#include "irqtune/diagnose/diagnose.h"

#include <string>
#include <string_view>
#include <vector>

namespace irqtune::diagnosis {

/// What the command line says about CPUs, and what it should respect.
struct CpuLists {
  CpuParameters asked;
  CpuSet isolated;  ///< From the scheduler's load balancing: at boot, or by a cpuset partition.
  CpuSet vcpus;     ///< Cores of dedicated vCPUs.
  CpuSet cores;     ///< The same with their SMT siblings.
  bool one_each = true;  ///< Each of these vCPUs is pinned to one CPU.
};

[[nodiscard]] CpuLists cpu_lists(const DiagnosisInput& input);

/// What the command line says now, of what matters here.
[[nodiscard]] std::string current_tokens(const Settings& settings);

/// CPUs that isolcpus= ought to have: vCPUs' cores and what it was given already, of those that the
/// machine has: for one beyond, the kernel drops the whole list.
[[nodiscard]] CpuSet isolated_wish(const DiagnosisInput& input, const CpuLists& lists);

/// "isolcpus=managed_irq,domain,2-5", as it ought to be.
[[nodiscard]] std::string isolcpus_token(const DiagnosisInput& input, const CpuLists& lists);

/// The tokens that this host's command line ought to have, on one line; then each explained; then
/// where they go.
[[nodiscard]] std::vector<std::string> recommended_tokens(const DiagnosisInput& input,
                                                          const CpuLists& lists);

/// Steps: "take threadirqs off the kernel command line. ...", with how distributions do it.
[[nodiscard]] std::vector<std::string> drop_token(std::string_view token);

}  // namespace irqtune::diagnosis
