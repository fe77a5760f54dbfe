// SPDX-License-Identifier: Apache-2.0
#include "watch/events/tracepoints.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace irqtune {

namespace {

constexpr std::size_t kDataPages = 4;

/// What makes a vector and what moves one; both name their interrupt in the same place.
constexpr std::array kTracepoints = {"vector_update", "vector_setup"};
constexpr std::array kTraceDirs = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

std::size_t page_size() {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t mapped_size() {
  return (1 + kDataPages) * page_size();
}

int open_event(std::uint64_t id, int cpu) {
  perf_event_attr attr{};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof(attr);
  attr.config = id;
  attr.sample_period = 1;
  attr.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW;
  attr.wakeup_events = 1;
  attr.use_clockid = 1;
  attr.clockid = CLOCK_MONOTONIC;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): glibc has no function for it
  return static_cast<int>(::syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC));
}

std::string tracepoint_file(const char* dir, const char* tracepoint, const char* name) {
  return fmt::format("{}/events/irq_vectors/{}/{}", dir, tracepoint, name);
}

}  // namespace

std::string refusal_text(int error, std::string_view paranoid) {
  constexpr int kPerfmonIsEnough = 2;
  const auto level = parse_number<int>(paranoid);
  const bool further = level && *level > kPerfmonIsEnough;
  return fmt::format(
      "perf_event_open: {}{}",
      std::generic_category().message(error),
      further && (error == EACCES || error == EPERM)
          ? fmt::format("; kernel.perf_event_paranoid is {}, with which Debian's kernels ask for "
                        "CAP_SYS_ADMIN: with 2, CAP_PERFMON is enough",
                        *level)
          : std::string{});
}

PerfRing::PerfRing(int fd) {
  void* base = ::mmap(nullptr, mapped_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  base_ = base != MAP_FAILED ? base : nullptr;  // NOLINT: the system's own cast
}

PerfRing::PerfRing(PerfRing&& other) noexcept : base_(std::exchange(other.base_, nullptr)) {}

PerfRing::~PerfRing() {
  if (base_ != nullptr) {
    ::munmap(base_, mapped_size());
  }
}

std::string PerfRing::take() const {
  auto* const page = static_cast<perf_event_mmap_page*>(base_);
  const auto size = kDataPages * page_size();
  const std::string_view data(static_cast<const char*>(base_) + page_size(), size);
  // The kernel fills the ring up to the head, and lets us have what is before it.
  const auto head = std::atomic_ref(page->data_head).load(std::memory_order_acquire);
  auto tail = page->data_tail;
  std::string records;
  records.reserve(static_cast<std::size_t>(head - tail));
  while (tail < head) {
    const auto at = static_cast<std::size_t>(tail % size);
    const auto piece = std::min(size - at, static_cast<std::size_t>(head - tail));
    records += data.substr(at, piece);
    tail += piece;
  }
  std::atomic_ref(page->data_tail).store(tail, std::memory_order_release);
  return records;
}

std::vector<std::uint64_t> TracepointSource::find_in(const Sysfs& sysfs, const char* dir) {
  std::vector<std::uint64_t> ids;
  for (const auto* name : kTracepoints) {
    const auto id =
        parse_number<std::uint64_t>(sysfs.read(tracepoint_file(dir, name, "id")).value_or(""));
    const auto offset =
        id ? field_offset(sysfs.read(tracepoint_file(dir, name, "format")).value_or(""), "irq")
           : std::nullopt;
    if (id && offset) {
      ids.push_back(*id);
      irq_offset_ = *offset;
    }
  }
  return ids;
}

TracepointSource::TracepointSource(const Sysfs& sysfs, const CpuSet& cpus) {
  if (!sysfs.live()) {
    why_not_ = "this is a tree, not the live host";
    return;
  }
  std::vector<std::uint64_t> ids;
  for (const auto* dir : kTraceDirs) {
    ids = ids.empty() ? find_in(sysfs, dir) : ids;
  }
  if (ids.size() != kTracepoints.size()) {
    why_not_ = "no tracepoints irq_vectors:vector_* in /sys/kernel/tracing";
    return;
  }
  for (const int cpu : cpus.cpus()) {
    if (!open_on(cpu, ids)) {
      why_not_ =
          refusal_text(errno, sysfs.read("/proc/sys/kernel/perf_event_paranoid").value_or(""));
      cpus_.clear();
      return;
    }
  }
}

bool TracepointSource::open_on(int cpu, const std::vector<std::uint64_t>& ids) {
  std::vector<Fd> events;
  for (const auto id : ids) {
    events.emplace_back(open_event(id, cpu));
    if (!events.back().valid()) {
      return errno == ENODEV;  // It went offline meanwhile: told by a uevent.
    }
  }
  PerfRing ring(events.front().get());
  bool whole = ring.valid();
  for (auto event = events.begin() + 1; whole && event != events.end(); ++event) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
    whole = ::ioctl(event->get(), PERF_EVENT_IOC_SET_OUTPUT, events.front().get()) == 0;
  }
  if (whole) {
    cpus_.push_back({std::move(events), std::move(ring)});
  }
  return whole;
}

std::vector<int> TracepointSource::fds() const {
  std::vector<int> fds;
  for (const auto& cpu : cpus_) {
    fds.push_back(cpu.events.front().get());
  }
  return fds;
}

Samples TracepointSource::drain() const {
  Samples samples;
  for (const auto& cpu : cpus_) {
    decode_records(cpu.ring.take(), irq_offset_, samples);
  }
  return samples;
}

}  // namespace irqtune
