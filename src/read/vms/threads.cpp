// SPDX-License-Identifier: Apache-2.0
#include "read/vms/threads.h"

#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include "read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace irqtune {

namespace {

/// Threads of a VMM, none of which runs guest code, although some wear its name.
bool is_helper(std::string_view comm) noexcept {
  constexpr std::array<std::string_view, 9> kPrefixes = {"IO ",
                                                         "worker",
                                                         "vhost-",
                                                         "kvm-nx-lpage-",
                                                         "kvm-pit/",
                                                         "call_rcu",
                                                         "vnc_worker",
                                                         "iou-",
                                                         "SPICE"};
  return std::ranges::any_of(kPrefixes,
                             [&](std::string_view prefix) { return comm.starts_with(prefix); });
}

/// Fields of a thread's stat file, in clock ticks. Source: Linux fs/proc/array.c, do_task_stat().
struct ThreadTimes {
  std::uint64_t started = 0;  ///< Field 22, since boot.
  std::uint64_t guest = 0;    ///< Field 43: more than none proves a vCPU.
};

ThreadTimes read_times(const Sysfs& sysfs, int pid, int tid) {
  constexpr std::size_t kFirst = 3;  // The word behind "(comm)" is field 3.
  constexpr std::size_t kStarted = 22 - kFirst;
  constexpr std::size_t kGuest = 43 - kFirst;
  const auto stat = sysfs.read(fmt::format("/proc/{}/task/{}/stat", pid, tid));
  const auto bracket = stat ? stat->rfind(')') : std::string::npos;
  if (bracket == std::string::npos) {
    return {};
  }
  const auto fields = words(std::string_view(*stat).substr(bracket + 1));
  if (fields.size() <= kGuest) {
    return {};
  }
  return {parse_number<std::uint64_t>(fields[kStarted]).value_or(0),
          parse_number<std::uint64_t>(fields[kGuest]).value_or(0)};
}

Vcpu make_vcpu(int id, const Thread& thread) {
  Vcpu vcpu;
  vcpu.id = id;
  vcpu.cpus = thread.allowed;
  vcpu.tid = thread.tid;
  vcpu.source = "process";
  return vcpu;
}

}  // namespace

std::optional<std::string_view> status_field(std::string_view text, std::string_view key) noexcept {
  while (!text.empty()) {
    auto line = take_until(text, '\n');
    if (line.starts_with(key) && line.substr(key.size()).starts_with(':')) {
      return trimmed(line.substr(key.size() + 1));
    }
  }
  return std::nullopt;
}

std::vector<Thread> read_threads(const Sysfs& sysfs, int pid) {
  std::vector<Thread> threads;
  for (const auto& name : sysfs.list(fmt::format("/proc/{}/task", pid))) {
    const auto directory = fmt::format("/proc/{}/task/{}", pid, name);
    const auto tid = parse_number<int>(name);
    const auto comm = sysfs.read(directory + "/comm");
    const auto status = sysfs.read(directory + "/status");
    if (!tid || !comm || !status) {
      continue;  // Ended meanwhile.
    }
    const auto list = status_field(*status, "Cpus_allowed_list");
    threads.push_back({*tid, *comm, list ? CpuSet::parse_list(*list) : std::nullopt});
  }
  std::ranges::sort(threads, {}, &Thread::tid);
  return threads;
}

std::vector<Vcpu> named_vcpus(const std::vector<Thread>& threads,
                              const std::map<int, int>& tids,
                              int count) {
  std::map<int, Vcpu> vcpus;
  for (const auto& thread : threads) {
    if (const auto id = vcpu_of_thread(thread.comm)) {
      vcpus.try_emplace(*id, make_vcpu(*id, thread));
    }
    const bool runs_all = thread.comm.starts_with("ALL CPUs/");  // TCG in one thread
    for (int id = 0; runs_all && id < count; ++id) {
      vcpus.try_emplace(id, make_vcpu(id, thread));
    }
  }
  for (std::size_t i = 0, named = vcpus.size(); named == 0 && i < threads.size(); ++i) {
    if (const auto known = tids.find(threads[i].tid); known != tids.end()) {
      vcpus.try_emplace(known->second, make_vcpu(known->second, threads[i]));
    }
  }
  std::vector<Vcpu> list;
  list.reserve(vcpus.size());
  for (auto& [id, vcpu] : vcpus) {
    list.push_back(std::move(vcpu));
  }
  return list;
}

std::vector<Vcpu> unnamed_vcpus(const Sysfs& sysfs,
                                int pid,
                                const std::vector<Thread>& threads,
                                int count) {
  std::multimap<std::uint64_t, const Thread*> by_start;  // Thread ids may have wrapped.
  std::optional<CpuSet> common;
  bool shared = true;
  for (const auto& thread : threads) {
    if (thread.tid == pid || is_helper(thread.comm)) {
      continue;
    }
    const auto times = read_times(sysfs, pid, thread.tid);
    if (times.guest > 0) {
      by_start.emplace(times.started, &thread);
    } else {
      shared = shared && (!common || common == thread.allowed);
      common = thread.allowed;
    }
  }
  std::vector<Vcpu> vcpus;
  for (const auto& [started, thread] : by_start) {
    vcpus.push_back(make_vcpu(static_cast<int>(vcpus.size()), *thread));
  }
  while (static_cast<int>(vcpus.size()) < count) {
    Vcpu vcpu;
    vcpu.id = static_cast<int>(vcpus.size());
    vcpu.cpus = shared ? common : std::nullopt;
    vcpu.source = "process";
    vcpus.push_back(std::move(vcpu));
  }
  return vcpus;
}

std::vector<IoThread> find_iothreads(const std::vector<Thread>& threads) {
  std::vector<IoThread> found;
  for (const auto& thread : threads) {
    if (thread.comm.starts_with("IO ") && thread.comm != "IO mon_iothread") {
      found.push_back({printable(thread.comm.substr(3)), thread.allowed});
    }
  }
  std::ranges::sort(found, {}, &IoThread::id);
  return found;
}

}  // namespace irqtune
