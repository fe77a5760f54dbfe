// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/change.h"
#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What a watch decides, without any I/O and without a clock of its own.

namespace irqtune {

/// Time of the steady clock.
using WatchTime = std::chrono::milliseconds;

/// Who holds a device: told again without reading the whole host. A guest that reboots keeps its
/// process.
struct Holder {
  std::string vm;          ///< Empty: no VM's.
  std::optional<int> pid;  ///< Of the VM's process, or of another that has the device.
  std::optional<std::uint64_t> started;  ///< Of that process, in ticks since boot.
  friend bool operator==(const Holder&, const Holder&) = default;
};

/// Where a vector is kept, and what was last seen of it.
struct Place {
  CpuSet cpus;
  std::optional<Holder> holder;  ///< Empty: not known, as of a journal.
  VmPolicy policy = VmPolicy::avoid;
  IrqNumber irq{};
  std::optional<std::uint64_t> generation;  ///< Of the vector that was last put there.
  bool there = true;  ///< False: its guest or driver gave it back; the place is for its return.
};

/// By key.
using Places = std::map<VectorId, Place>;

/// A vector as it stands now.
struct SeenVector {
  VectorId vector;
  IrqNumber irq{};
  std::optional<std::uint64_t> generation;
  std::optional<CpuSet> mask;  ///< Empty: it cannot be read.
};

/// What is to be done about one vector.
enum class Act : std::uint8_t {
  nothing,  ///< It is where it is kept, or let go.
  remade,   ///< Made anew: to its place.
  moved,    ///< Moved by another program: back to its place.
  unknown,  ///< No place is known: the host is to be planned.
};

/// `holds`: the place's holder still has the device, by what can be told without reading the host.
[[nodiscard]] Act decide(const Places& places, const SeenVector& seen, bool holds);

/// ", 3.1 ms after its event", for a log line: how long ago an event was, both on CLOCK_MONOTONIC
/// in nanoseconds. Empty without an event, or if it is yet to come.
[[nodiscard]] std::string reaction_text(std::optional<std::uint64_t> event_ns,
                                        std::uint64_t now_ns);

/// Which vectors another program fights for, and which are let go for a while.
class Fights {
 public:
  static constexpr std::size_t kMoves = 3;     ///< So many within
  static constexpr WatchTime kWindow{60'000};  ///< lets go of the vector,
  static constexpr WatchTime kFirstPause{60'000};
  static constexpr WatchTime kLongestPause{600'000};

  /// Another program moved the vector. True if that was once too often: it is let go now.
  bool moved(const VectorId& vector, WatchTime now);

  /// True while nothing is to be done about the vector.
  [[nodiscard]] bool is_let_go(const VectorId& vector, WatchTime now) const;

  /// Those let go that are due for another try; each once.
  [[nodiscard]] std::vector<VectorId> due(WatchTime now);

  /// When the next of due() is; empty if there is none.
  [[nodiscard]] std::optional<WatchTime> next() const;

  /// Those that are let go.
  [[nodiscard]] std::vector<VectorId> let_go() const;

  /// Forgets vectors that are not kept any more.
  void keep_only(const Places& places);

 private:
  struct Fight {
    std::deque<WatchTime> moves;  // Within the window, oldest first.
    WatchTime pause{};            // Before the next try; zero: not let go yet.
    std::optional<WatchTime> until;
  };

  std::map<VectorId, Fight> fights_;
};

/// Which CPUs are too busy with interrupts for too long.
class LoadAlarm {
 public:
  static constexpr WatchTime kSustained{60'000};
  static constexpr WatchTime kAtMostEvery{600'000};

  /// Shares of time in irq and softirq context since the last call, in percent by CPU. The CPU
  /// above `threshold` for so long that the host is to be planned; empty if none is, or that was
  /// done lately.
  [[nodiscard]] std::optional<int> note(const std::map<int, double>& shares,
                                        double threshold,
                                        WatchTime now);

 private:
  std::map<int, WatchTime> above_since_;
  std::optional<WatchTime> last_;
};

/// What a look at the whole host comes to.
struct Replanned {
  Plan plan;
  Places places;              ///< Of every vector that has one, and of those that may come back.
  std::vector<Write> writes;  ///< What is not in place; the default affinity too.
};

/// Plans the host. A vector that was made anew gets the place that its key had, if the same VM has
/// the device, under the same policy, and the CPU still may take vectors; everything else is the
/// planner's, with the fewest moves unless `afresh`. `places` may lack holders, of a journal: then
/// any will do.
[[nodiscard]] Replanned replan(const Host& host,
                               const Policy& policy,
                               const Places& places,
                               bool afresh);

}  // namespace irqtune
