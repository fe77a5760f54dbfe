// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include "read/vms/sources.h"
#include "sys/users.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace irqtune {

namespace {

constexpr std::uint32_t kRoot = 0;

/// Its number if it has no name.
std::string user_text(const Sysfs& sysfs, std::uint32_t uid) {
  return user_name(sysfs, uid).value_or(fmt::format("user {}", uid));
}

/// Where a line of /proc/PID/cgroup says that systemd put the process: a directory below
/// /sys/fs/cgroup, of v2 or of v1's own hierarchy of systemd's. Empty for other lines.
std::string systemd_group(std::string_view line) {
  static_cast<void>(take_until(line, ':'));
  const auto controllers = take_until(line, ':');
  const bool useful = line.size() > 1 && line.find("/..") == std::string_view::npos;
  if (!useful || (!controllers.empty() && controllers != "name=systemd")) {
    return {};
  }
  return fmt::format("{}{}", controllers.empty() ? "" : "/systemd", line);
}

/// True if each directory of the group is root's. A tree does not tell whose they are: believed.
bool is_roots(const Sysfs& sysfs, std::string path) {
  for (; sysfs.live() && path.size() > 1; path.resize(path.rfind('/'))) {
    if (sysfs.owner("/sys/fs/cgroup" + path) != kRoot) {
      return false;
    }
  }
  return true;
}

/// True if every directory of the process' cgroup up to the root is root's, so that only root can
/// have put it there, and none is a user's session.
bool has_roots_cgroup(const Sysfs& sysfs, int pid) {
  const auto text = sysfs.read(fmt::format("/proc/{}/cgroup", pid)).value_or("");
  bool roots = false;
  for (std::string_view rest = text; !rest.empty();) {
    const auto path = systemd_group(take_until(rest, '\n'));
    if (path.starts_with("/user.slice") || path.starts_with("/systemd/user.slice")) {
      return false;
    }
    roots = roots || (!path.empty() && is_roots(sysfs, path));
  }
  return roots;
}

bool is_trusted(const Sysfs& sysfs, const VmTrust& trust, std::uint32_t uid) {
  const auto name = user_text(sysfs, uid);
  return trust.all || std::ranges::any_of(trust.users, [&](const std::string& user) {
           return user == name || parse_number<std::uint32_t>(user) == uid;
         });
}

/// What one user's VMs would protect.
struct UserVms {
  std::string names;
  CpuSet cpus;
};

std::string warning_of(const std::string& user, const UserVms& vms, bool believed) {
  return fmt::format(
      "{} made VMs that nobody vouches for ({}; vCPUs on {}): {}",
      user,
      vms.names,
      vms.cpus.empty() ? "unknown CPUs" : vms.cpus.to_list(),
      believed ? "they are believed, since what they hold may not be seen (run as root)"
               : "they protect nothing (--trust-user-vms or --trusted-users changes that)");
}

}  // namespace

std::optional<std::uint32_t> uid_of(const Sysfs& sysfs, int pid) {
  const auto status = sysfs.read(fmt::format("/proc/{}/status", pid));
  const auto field = status ? status_field(*status, "Uid") : std::nullopt;
  const auto ids = field ? words(*field) : std::vector<std::string_view>{};
  return ids.size() > 1 ? parse_number<std::uint32_t>(ids[1]) : std::nullopt;
}

std::optional<std::uint64_t> started_at(const Sysfs& sysfs, int pid) {
  const auto stat = sysfs.read(fmt::format("/proc/{}/stat", pid));
  const auto bracket = stat ? stat->rfind(')') : std::string::npos;
  constexpr std::size_t kStarted = 22 - 3;
  const auto fields = bracket != std::string::npos
                          ? words(std::string_view(*stat).substr(bracket + 1))
                          : std::vector<std::string_view>{};
  return fields.size() > kStarted ? parse_number<std::uint64_t>(fields[kStarted]) : std::nullopt;
}

void mark_unvouched(const Sysfs& sysfs,
                    std::vector<VmFound*>& running,
                    const VmTrust& trust,
                    std::vector<std::string>& warnings) {
  std::map<std::pair<std::uint32_t, bool>, UserVms> users;
  bool unknown = false;
  for (auto* found : running) {
    auto& vm = found->vm;
    unknown = unknown || !vm.uid;
    const bool vouched = !vm.uid || *vm.uid == kRoot || found->held_vfio || found->by_manager ||
                         has_roots_cgroup(sysfs, *vm.pid);
    if (vouched || is_trusted(sysfs, trust, *vm.uid)) {
      continue;
    }
    vm.unvouched = true;
    vm.protects = found->closed;
    auto& user = users[{*vm.uid, vm.protects}];
    user.names += (user.names.empty() ? "" : ", ") + vm.name;
    for (const auto& vcpu : vm.vcpus) {
      user.cpus |= vcpu.cpus.value_or(CpuSet{});
    }
  }
  for (const auto& [who, vms] : users) {
    warnings.push_back(warning_of(user_text(sysfs, who.first), vms, who.second));
  }
  if (unknown) {
    warnings.emplace_back(
        "whose processes the VMs are is not recorded (no Uid: in their status): all are believed");
  }
}

}  // namespace irqtune
