// SPDX-License-Identifier: Apache-2.0
#include "irqtune/snapshot/snapshot.h"

#include "irqtune/core/text.h"
#include "irqtune/sys/generation.h"

#include "read/interrupts/rates.h"

#include <fmt/format.h>

#include <algorithm>

#include "snapshot/collect.h"

namespace irqtune {

namespace {

constexpr std::size_t kMaxWarnings = 20;

std::optional<double> uptime(const TreeItems& items, const std::string& prefix) {
  const auto found = items.find(prefix + "/proc/uptime");
  return found != items.end() ? parse_uptime(found->second.text) : std::nullopt;
}

/// A second reading, as rates come from two.
void take_second(const Sysfs& sysfs, const SnapshotOptions& options, Collector& collector) {
  if (!sysfs.live() || !options.sample) {
    take_moving(collector, "/sample2");
    return;
  }
  wait_seconds(*options.sample, options.on_wait, options.clock);
  Collector second(sysfs);
  take_moving(second, "");
  for (auto& [path, item] : second.items()) {
    collector.items()["/sample2" + path] = std::move(item);
  }
}

std::string text_of(const TreeItems& items, const std::string& path) {
  const auto found = items.find(path);
  return found != items.end() ? std::string(trimmed(found->second.text)) : std::string("unknown");
}

/// What the tree is, for people.
std::string capture_note(const TreeItems& items, const SnapshotOptions& options) {
  const auto first = uptime(items, "");
  const auto second = uptime(items, "/sample2");
  return fmt::format("kernel {}\ncmdline {}\nseconds_between_samples {}\nanonymized {}\n",
                     text_of(items, "/proc/sys/kernel/osrelease"),
                     text_of(items, "/proc/cmdline"),
                     first && second ? fmt::format("{:.2f}", *second - *first) : "none",
                     options.anonymize ? "yes" : "no");
}

/// The generations of interrupts, which a tree's own inodes would not tell.
std::string inodes_text(const Sysfs& sysfs) {
  std::vector<std::string> dirs = {generation_dir({})};
  for (const auto& device : sysfs.list("/sys/bus/pci/devices")) {
    if (const auto address = PciAddress::parse(device)) {
      dirs.push_back(generation_dir(address));
    }
  }
  std::string out;
  for (const auto& dir : dirs) {
    for (const auto& [name, inode] : sysfs.inodes(dir)) {
      out += fmt::format("{}/{} {}\n", dir, name, inode);
    }
  }
  return out;
}

}  // namespace

TreeItems collect_snapshot(const Sysfs& sysfs,
                           const SnapshotOptions& options,
                           std::vector<std::string>& warnings) {
  Collector collector(sysfs);
  take_moving(collector, "");  // First: reading everything else makes interrupts of its own.
  const auto processes = find_snapshot_processes(sysfs);
  take_processes(collector, processes);
  take_host_files(collector);
  take_config(sysfs, collector, options.anonymize);
  take_cgroups(sysfs, collector);
  if (auto inodes = inodes_text(sysfs); !inodes.empty()) {
    collector.add(std::string(Sysfs::kInodes), std::move(inodes));
  }
  take_second(sysfs, options, collector);
  if (options.anonymize) {
    anonymize(collector.items(), processes);
  }
  collector.add("/CAPTURE", capture_note(collector.items(), options));
  const auto& all = collector.warnings();
  warnings.insert(warnings.end(),
                  all.begin(),
                  all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), kMaxWarnings)));
  if (all.size() > kMaxWarnings) {
    warnings.push_back(fmt::format("{} more files could not be read", all.size() - kMaxWarnings));
  }
  return std::move(collector.items());
}

SnapshotReport write_snapshot(const Sysfs& sysfs,
                              const std::filesystem::path& output,
                              const SnapshotOptions& options) {
  check_output(output);
  SnapshotReport report;
  const auto items = collect_snapshot(sysfs, options, report.warnings);
  for (const auto& [path, item] : items) {
    report.files += item.kind == TreeImage::Kind::file ? 1 : 0;
    report.bytes += item.kind == TreeImage::Kind::file ? item.text.size() : 0;
  }
  write_tree(output, items);
  return report;
}

}  // namespace irqtune
