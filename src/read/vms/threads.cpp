// SPDX-License-Identifier: Apache-2.0
#include "read/vms/threads.h"

#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include "read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

/// Fields of a thread's stat file, in clock ticks. Source: Linux fs/proc/array.c, do_task_stat().
struct ThreadTimes {
  std::uint64_t started = 0;  ///< Field 22, since boot.
  std::uint64_t guest = 0;    ///< Field 43: more than none proves a vCPU.
};

ThreadTimes parse_times(const std::optional<std::string>& stat) {
  constexpr std::size_t kFirst = 3;  // The word behind "(comm)" is field 3.
  constexpr std::size_t kStarted = 22 - kFirst;
  constexpr std::size_t kGuest = 43 - kFirst;
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

/// A thread that may run a vCPU.
struct Candidate {
  std::uint64_t started = 0;
  const Thread* thread = nullptr;
  bool ran = false;  ///< The guest
};

/// In the order they were started: thread ids may have wrapped.
std::vector<Candidate> candidates_of(const Sysfs& sysfs,
                                     int pid,
                                     const std::vector<Thread>& threads) {
  std::vector<Candidate> found;
  for (const auto& thread : threads) {
    if (thread.tid != pid && !is_helper_thread(thread.comm)) {
      const auto times =
          parse_times(sysfs.read(fmt::format("/proc/{}/task/{}/stat", pid, thread.tid)));
      found.push_back({times.started, &thread, times.guest > 0});
    }
  }
  std::ranges::stable_sort(found, {}, &Candidate::started);
  return found;
}

/// vCPUs from 0 on, each in one of the `count` threads from `start` on.
UnnamedVcpus place(const std::vector<Candidate>& candidates, std::size_t start, std::size_t count) {
  UnnamedVcpus placed;
  for (std::size_t i = 0; i < count; ++i) {
    placed.vcpus.push_back(make_vcpu(static_cast<int>(i), *candidates[start + i].thread));
  }
  return placed;
}

/// Where a run of `count` threads may start that has all those that ran the guest.
std::vector<std::size_t> possible_starts(const std::vector<Candidate>& candidates,
                                         std::size_t count) {
  std::vector<std::size_t> starts;
  for (std::size_t start = 0; start + count <= candidates.size(); ++start) {
    bool all = true;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      all = all && (!candidates[i].ran || (i >= start && i < start + count));
    }
    if (all) {
      starts.push_back(start);
    }
  }
  return starts;
}

/// True if the run alone is bound otherwise than the main thread: who pins, pins vCPUs.
bool stands_out(const std::vector<Candidate>& candidates,
                std::size_t start,
                std::size_t count,
                const std::optional<CpuSet>& main) {
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const bool inside = i >= start && i < start + count;
    if (inside == (candidates[i].thread->allowed == main)) {
      return false;
    }
  }
  return true;
}

bool share_mask(const std::vector<Candidate>& candidates) {
  return std::ranges::all_of(candidates, [&](const Candidate& one) {
    return one.thread->allowed == candidates.front().thread->allowed;
  });
}

/// Those that ran the guest, in order, and of the rest what all others have in common.
UnnamedVcpus place_some(std::vector<Candidate> candidates, std::size_t count) {
  auto others = candidates;
  std::erase_if(candidates, [](const Candidate& one) { return !one.ran; });
  std::erase_if(others, [](const Candidate& one) { return one.ran; });
  const bool shared = share_mask(others);
  auto placed = place(candidates, 0, candidates.size());
  while (placed.vcpus.size() < count) {
    Vcpu vcpu;
    vcpu.id = static_cast<int>(placed.vcpus.size());
    vcpu.cpus = shared && !others.empty() ? others.front().thread->allowed : std::nullopt;
    vcpu.source = "process";
    if (!vcpu.cpus && !others.empty()) {
      placed.unsure.insert(vcpu.id);
    }
    placed.vcpus.push_back(std::move(vcpu));
  }
  return placed;
}

/// Those that never ran are vCPUs in all likelihood only.
UnnamedVcpus place_as_likely(const std::vector<Candidate>& candidates,
                             std::size_t start,
                             std::size_t count) {
  auto placed = place(candidates, start, count);
  for (std::size_t i = 0; i < count; ++i) {
    if (!candidates[start + i].ran) {
      placed.unsure.insert(static_cast<int>(i));
    }
  }
  return placed;
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

UnnamedVcpus unnamed_vcpus(const Sysfs& sysfs,
                           int pid,
                           const std::vector<Thread>& threads,
                           int count) {
  auto candidates = candidates_of(sysfs, pid, threads);
  const auto wanted = static_cast<std::size_t>(std::max(count, 0));
  const auto ran = static_cast<std::size_t>(
      std::ranges::count_if(candidates, [](const Candidate& one) { return one.ran; }));
  if (ran >= wanted) {
    std::erase_if(candidates, [](const Candidate& one) { return !one.ran; });
    return place(candidates, 0, candidates.size());
  }
  auto starts = possible_starts(candidates, wanted);
  if (starts.size() == 1) {
    return place(candidates, starts.front(), wanted);
  }
  const auto main = std::ranges::find(threads, pid, &Thread::tid);
  if (starts.size() > 1 && main != threads.end() && !share_mask(candidates)) {
    std::erase_if(starts, [&](std::size_t start) {
      return !stands_out(candidates, start, wanted, main->allowed);
    });
    if (starts.size() == 1) {
      return place_as_likely(candidates, starts.front(), wanted);
    }
  }
  return place_some(candidates, wanted);
}

std::vector<IoThread> find_iothreads(const std::vector<Thread>& threads,
                                     const std::vector<std::string>& told) {
  constexpr std::string_view kPrefix = "IO ";
  constexpr std::size_t kLongest = 15 - kPrefix.size();
  std::vector<IoThread> found;
  for (const auto& thread : threads) {
    if (thread.comm.starts_with(kPrefix) && thread.comm != "IO mon_iothread") {
      found.push_back({printable(thread.comm.substr(kPrefix.size())), thread.allowed, thread.tid});
    }
  }
  std::optional<CpuSet> common;
  bool shared = true;
  for (const auto& thread : threads) {
    if (!vcpu_of_thread(thread.comm) && !thread.comm.starts_with(kPrefix)) {
      shared = shared && (!common || common == thread.allowed);
      common = thread.allowed;
    }
  }
  for (const auto& id : told) {
    const bool seen = std::ranges::any_of(found, [&](const IoThread& one) { return one.id == id; });
    if (!seen && id.size() > kLongest && id != "mon_iothread") {
      found.push_back({printable(id), shared ? common : std::nullopt, std::nullopt});
    }
  }
  std::ranges::sort(found, {}, &IoThread::id);
  return found;
}

std::vector<OwnThread> find_own_threads(const Vm& vm, const std::vector<Thread>& threads) {
  std::vector<OwnThread> own;
  for (const auto& thread : threads) {
    const bool known = thread.tid == vm.pid || thread.comm.starts_with("IO ") ||
                       vcpu_of_thread(thread.comm) ||
                       std::ranges::find(vm.vcpus, thread.tid, &Vcpu::tid) != vm.vcpus.end();
    if (!known) {
      own.push_back({thread.tid, printable(thread.comm), thread.allowed});
    }
  }
  return own;
}

bool thread_ran(const Sysfs& sysfs, int pid) {
  const auto ran = [&](int tid) {
    return parse_times(sysfs.read(fmt::format("/proc/{}/task/{}/stat", pid, tid))).guest > 0;
  };
  const auto names = sysfs.list(fmt::format("/proc/{}/task", pid));
  return names.size() > 1 && !ran(pid) && std::ranges::any_of(names, [&](const std::string& name) {
           const auto tid = parse_number<int>(name);
           return tid && ran(*tid);
         });
}

}  // namespace irqtune
