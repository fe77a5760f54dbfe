// SPDX-License-Identifier: Apache-2.0
#include "snapshot/anonymize.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "snapshot/collect.h"

namespace irqtune {

namespace {

constexpr std::string_view kCgroups = "/sys/fs/cgroup";

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// "/etc/libvirt/qemu/web.xml" -> "web"
std::string_view stem(std::string_view path) {
  const auto name = last_part(path);
  return name.substr(0, name.rfind('.'));
}

bool is_libvirt(std::string_view path) {
  return path.find("/libvirt/qemu/") != std::string_view::npos ||
         path.find("/libvirt/ch/") != std::string_view::npos;
}

bool is_proxmox(std::string_view path) {
  return path.starts_with("/etc/pve/");
}

/// PID of "/proc/PID/..."; empty optional for any other path.
std::optional<int> pid_of(std::string_view path) {
  constexpr std::string_view kProc = "/proc/";
  if (!path.starts_with(kProc)) {
    return std::nullopt;
  }
  path.remove_prefix(kProc.size());
  return parse_number<int>(take_until(path, '/'));
}

/// Turns the items of a tree into anonymous ones.
class Anonymizer {
 public:
  Anonymizer(TreeItems& items, const SnapshotProcesses& processes)
      : items_(items), processes_(processes) {}

  void run() {
    learn();
    drop_unrelated_cgroups();
    TreeItems out;
    for (auto& [path, item] : items_) {
      if (item.kind == TreeImage::Kind::symlink) {
        item.text = link(path, item.text);
      } else if (item.kind == TreeImage::Kind::file) {
        item.text = text(path, item.text);
      }
      out[anonymous_path(path)] = std::move(item);
    }
    items_ = std::move(out);
  }

 private:
  void learn() {
    if (const auto name = items_.find("/proc/sys/kernel/hostname"); name != items_.end()) {
      hostname_ = trimmed(name->second.text);
      hostname_ = hostname_.substr(0, hostname_.find('.'));
    }
    for (const auto& [path, item] : items_) {
      if (item.kind != TreeImage::Kind::file) {
        continue;
      }
      if (is_libvirt(path) && path.ends_with(".xml")) {
        aliases_.learn(name_in_domain(item.text));
        aliases_.learn(stem(path));
      } else if (is_proxmox(path)) {
        learn_all(path.ends_with("/pci.cfg") ? names_in_mappings(item.text)
                                             : names_in_proxmox(item.text));
      } else if (is_vm_file(path) && last_part(path) == "cmdline") {
        aliases_.learn(name_in_vmm_command(item.text));
      }
    }
    aliases_.finish_learning();
  }

  void learn_all(const std::vector<std::string>& names) {
    for (const auto& name : names) {
      aliases_.learn(name);
    }
  }

  [[nodiscard]] bool is_vm_file(std::string_view path) const {
    const auto pid = pid_of(path);
    return pid && processes_.vms.contains(*pid);
  }

  /// "0::/machine.slice/..." (v2) or "5:cpuset:/machine/..." (v1). Source: cgroups(7)
  static void add_groups(std::string_view text, std::vector<std::string>& groups) {
    for (auto line : split(trimmed(text), '\n')) {
      static_cast<void>(take_until(line, ':'));
      const auto controllers = take_until(line, ':');
      if (controllers.empty() || has_cpuset(controllers)) {
        groups.push_back(
            fmt::format("{}{}{}/", kCgroups, controllers.empty() ? "" : "/cpuset", line));
      }
    }
  }

  static bool has_cpuset(std::string_view controllers) {
    return std::ranges::count(split(controllers, ','), "cpuset") > 0;
  }

  /// A directory of cgroup v1's cpusets with "cpuset" for its mount, which may bear the names of
  /// several controllers ("cpuset,cpu,cpuacct"), in any order.
  static std::string by_controller(std::string_view directory) {
    auto rest = directory.substr(std::min(kCgroups.size() + 1, directory.size()));
    const auto mount = take_until(rest, '/');
    return has_cpuset(mount) ? fmt::format("{}/cpuset/{}", kCgroups, rest) : std::string(directory);
  }

  /// True for a file that says that a group is a cpuset partition, or cgroup v1's like of it.
  static bool tells_partition(std::string_view path, std::string_view text) {
    const auto name = last_part(path);
    return (name == "cpuset.cpus.partition" && !text.starts_with("member")) ||
           (name == "cpuset.sched_load_balance" && text.starts_with('0'));
  }

  /// What runs beside the VMs is nobody's business: only the groups of VMs and cpuset partitions,
  /// and those above them, are kept.
  void drop_unrelated_cgroups() {
    std::vector<std::string> related;
    for (const auto& [path, item] : items_) {
      if (is_vm_file(path) && last_part(path) == "cgroup") {
        add_groups(item.text, related);
      } else if (path.starts_with(kCgroups) && tells_partition(path, item.text)) {
        related.push_back(by_controller(path.substr(0, path.rfind('/') + 1)));
      }
    }
    std::erase_if(items_, [&](const auto& entry) {
      const auto directory = by_controller(entry.first.substr(0, entry.first.rfind('/') + 1));
      return entry.first.starts_with(kCgroups) && directory.size() > kCgroups.size() + 1 &&
             std::ranges::none_of(related, [&](const std::string& kept) {
               return kept.starts_with(directory) || directory.starts_with(kept);
             });
    });
  }

  std::string link(std::string_view path, std::string_view target) {
    if (is_proxmox(path)) {
      return without_node(target);
    }
    if (!is_vm_file(path)) {
      return aliases_.replace_ids(target);
    }
    if (last_part(path) == "exe") {
      return fmt::format("/usr/bin/{}", last_part(target));
    }
    constexpr std::array<std::string_view, 10> kKept = {"anon_inode:",
                                                        "socket:[",
                                                        "pipe:[",
                                                        "/dev/vfio/",
                                                        "/dev/kvm",
                                                        "/dev/iommu",
                                                        "/dev/net/tun",
                                                        "/dev/vhost-net",
                                                        "/dev/vhost-vdpa-",
                                                        "/dev/null"};
    const bool kept = std::ranges::any_of(
        kKept, [&](std::string_view begin) { return target.starts_with(begin); });
    return kept ? std::string(target) : "/anonymous";
  }

  std::string text(std::string_view path, const std::string& text) {
    if (path == "/proc/sys/kernel/hostname") {
      return "host\n";
    }
    if (path == "/proc/sys/kernel/random/boot_id") {
      return aliases_.replace_ids(text);
    }
    if (path == "/proc/cmdline") {
      return anonymous_kernel_command(text, aliases_);
    }
    if (path == "/proc/version") {
      return version(text);
    }
    if (is_vm_file(path)) {
      return process_text(last_part(path), text);
    }
    if (is_libvirt(path)) {
      return path.ends_with(".xml") ? anonymous_domain(text, aliases_) : text;
    }
    if (is_proxmox(path)) {
      return path.ends_with("pci.cfg") ? anonymous_mappings(text, hostname_, aliases_)
                                       : anonymous_proxmox(text, aliases_);
    }
    return path.starts_with("/etc/") ? without_comments(text) : text;
  }

  std::string process_text(std::string_view file, const std::string& text) {
    if (file == "cmdline") {
      return anonymous_vmm_command(text, aliases_);
    }
    if (file == "cgroup") {
      return anonymous_groups(text, aliases_);
    }
    if (file == "comm") {
      return anonymous_comm(trimmed(text), aliases_) + "\n";
    }
    const auto begin = file == "stat" ? text.find('(') + 1 : text.find('\t') + 1;
    const auto end = file == "stat" ? text.rfind(')') : text.find('\n');
    const bool named = file == "stat" || (file == "status" && text.starts_with("Name:"));
    if (!named || begin == 0 || end == std::string::npos || end < begin) {
      return text;
    }
    const auto comm = std::string_view(text).substr(begin, end - begin);
    return text.substr(0, begin) + anonymous_comm(comm, aliases_) + text.substr(end);
  }

  /// The kernel's builder stands in it: "(user@machine)".
  static std::string version(const std::string& text) {
    std::string out;
    for (const auto word : words(text)) {
      out += out.empty() ? "" : " ";
      out += word.find('@') == std::string_view::npos ? word : "(builder)";
    }
    return out + "\n";
  }

  static std::string without_comments(const std::string& text) {
    std::string out;
    for (const auto line : split(text, '\n')) {
      if (!trimmed(line).empty() && !trimmed(line).starts_with('#')) {
        out.append(line).append("\n");
      }
    }
    return out;
  }

  /// Proxmox keeps the files of each node of a cluster under the node's name.
  [[nodiscard]] std::string without_node(std::string_view path) const {
    constexpr std::string_view kNodes = "nodes/";
    const auto at = path.find(kNodes);
    if (at == std::string_view::npos) {
      return std::string(path);
    }
    auto rest = path.substr(at + kNodes.size());
    const auto node = rest.substr(0, rest.find('/'));
    rest.remove_prefix(node.size());
    return fmt::format(
        "{}{}{}", path.substr(0, at + kNodes.size()), node == hostname_ ? "host" : "other", rest);
  }

  std::string anonymous_path(std::string_view path) {
    if (is_libvirt(path) && aliases_.knows(stem(path))) {
      const auto name = last_part(path);
      return fmt::format("{}{}{}",
                         path.substr(0, path.size() - name.size()),
                         aliases_.name(stem(path)),
                         name.substr(name.rfind('.')));
    }
    if (path.starts_with(kCgroups)) {
      return anonymous_group_path(path, aliases_);
    }
    if (is_proxmox(path)) {
      return without_node(path);
    }
    return aliases_.replace_ids(path);  // Mediated devices are named by UUID.
  }

  TreeItems& items_;
  const SnapshotProcesses& processes_;
  Aliases aliases_;
  std::string hostname_;
};

}  // namespace

void anonymize(TreeItems& items, const SnapshotProcesses& processes) {
  Anonymizer(items, processes).run();
}

}  // namespace irqtune
