// SPDX-License-Identifier: Apache-2.0
#include "read/interrupts/handler_threads.h"

#include "irqtune/core/handler_threads.h"
#include "irqtune/core/kernel_parameters.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

/// The value of a line of /proc/PID/status; empty if there is none.
std::string_view status_value(std::string_view status, std::string_view name) {
  for (auto line : split(status, '\n')) {
    if (take_until(line, ':') == name) {
      return trimmed(line);
    }
  }
  return {};
}

/// Anybody may call a process of his like this; the kernel's are kthreadd's, which has PID 2.
bool is_kernels_own(std::string_view status) {
  const auto parent = status_value(status, "PPid");
  return parent.empty() || parent == "2";
}

std::optional<CpuSet> allowed_in(std::string_view status) {
  const auto list = status_value(status, "Cpus_allowed_list");
  return list.empty() ? std::nullopt : CpuSet::parse_list(list);
}

/// Source: Linux kernel/ksysfs.c, realtime (PREEMPT_RT only); kernel/irq/manage.c,
/// setup_forced_irqthreads()
bool makes_threads(const Sysfs& sysfs, const Host& host) {
  const auto parameters = parse_kernel_parameters(host.id.cmdline.value_or(""));
  return trimmed(sysfs.read("/sys/kernel/realtime").value_or("")) == "1" ||
         find_parameter(parameters, "threadirqs") != nullptr;
}

/// The running VM whose vector the interrupt is; nullptr if there is none.
Vm* vm_of(Host& host, IrqNumber number) {
  const auto* const irq = find_irq(host, number);
  const auto* const owner =
      irq != nullptr && irq->vector ? find_owner(host, irq->vector->device) : nullptr;
  const auto found = std::ranges::find_if(host.vms, [&](const Vm& vm) { return &vm == owner; });
  return found != host.vms.end() && is_running(*found) ? &*found : nullptr;
}

}  // namespace

void read_handler_threads(const Sysfs& sysfs, Host& host) {
  if (host.vms.empty() || !makes_threads(sysfs, host)) {
    return;
  }
  for (const auto& name : sysfs.list("/proc")) {
    const auto tid = parse_number<int>(name);
    const auto comm = tid ? sysfs.read(fmt::format("/proc/{}/comm", *tid)) : std::nullopt;
    const auto number = comm ? irq_of_thread(trimmed(*comm)) : std::nullopt;
    auto* const vm = number ? vm_of(host, *number) : nullptr;
    if (vm == nullptr) {
      continue;
    }
    const auto status = sysfs.read(fmt::format("/proc/{}/status", *tid)).value_or("");
    if (is_kernels_own(status)) {
      vm->threads.push_back({*tid, printable(trimmed(*comm)), allowed_in(status)});
    }
  }
  for (auto& vm : host.vms) {
    std::ranges::sort(vm.threads, {}, &OwnThread::tid);
  }
}

}  // namespace irqtune
