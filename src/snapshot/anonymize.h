// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// Who is called what in an anonymised tree: the same name, the same replacement everywhere.
class Aliases {
 public:
  /// A VM's name, before the first use of any. Aliases are given out in the names' order.
  void learn(std::string_view name);
  void finish_learning();

  /// The alias of a VM's name; one for all that were not learned.
  [[nodiscard]] std::string name(std::string_view name) const;
  [[nodiscard]] bool knows(std::string_view name) const;

  /// `text` with every learned name in it replaced where it is a word of its own, also as systemd
  /// writes it in unit names ("web\x2d1").
  [[nodiscard]] std::string replace_names(std::string_view text) const;

  /// `text` with each UUID and each MAC address replaced by one of its own.
  [[nodiscard]] std::string replace_ids(std::string_view text);

  /// "x1", "x2", ...: the same for the same text.
  [[nodiscard]] std::string hidden(std::string_view text);

 private:
  void add_word(const std::string& word, const std::string& alias);

  /// The size of the longest known word that begins there; 0 if none.
  [[nodiscard]] std::size_t known_word(std::string_view text, std::size_t at) const;

  std::set<std::string, std::less<>> learned_;
  std::map<std::string, std::string, std::less<>> names_;
  std::map<std::string, std::string, std::less<>> words_;  // As names_, with the escaped forms.
  std::set<std::size_t, std::greater<>> word_sizes_;       // Of words_, the longest first
  std::map<std::string, std::string, std::less<>> ids_;
  std::map<std::string, std::string, std::less<>> hidden_;
};

/// The command line of a VMM with the values of all options that irqtune does not read taken out.
[[nodiscard]] std::string anonymous_vmm_command(std::string_view cmdline, Aliases& aliases);

/// The name that a VMM's command line gives its VM; empty if none.
[[nodiscard]] std::string name_in_vmm_command(std::string_view cmdline);

/// The kernel's command line without values that name disks, hosts, addresses or secrets.
[[nodiscard]] std::string anonymous_kernel_command(std::string_view cmdline, Aliases& aliases);

/// A libvirt domain (or its status file) with only the elements and attributes that irqtune reads.
[[nodiscard]] std::string anonymous_domain(std::string_view xml, Aliases& aliases);

/// The name of the domain in a libvirt file; empty if it has none.
[[nodiscard]] std::string name_in_domain(std::string_view xml);

/// A Proxmox VM's configuration with only the keys that irqtune reads.
[[nodiscard]] std::string anonymous_proxmox(std::string_view config, Aliases& aliases);

/// Proxmox's table of mapped devices, without descriptions. `hostname` becomes "host", and the
/// other nodes of its cluster "other".
[[nodiscard]] std::string anonymous_mappings(std::string_view config,
                                             std::string_view hostname,
                                             const Aliases& aliases);

/// Names in a Proxmox VM's configuration: its own, and of mapped devices.
[[nodiscard]] std::vector<std::string> names_in_proxmox(std::string_view config);

/// Names of mapped devices.
[[nodiscard]] std::vector<std::string> names_in_mappings(std::string_view config);

/// /proc/PID/cgroup with every word hidden that is neither the kernel's, systemd's nor libvirt's.
/// libvirt shortens a VM's name there, and puts its user's before it in a user's session.
/// Source: libvirt src/hypervisor/domain_driver.c, virDomainDriverGenerateMachineName().
[[nodiscard]] std::string anonymous_groups(std::string_view text, Aliases& aliases);

/// The same for a path below /sys/fs/cgroup; the kernel's own files keep their names.
[[nodiscard]] std::string anonymous_group_path(std::string_view path, Aliases& aliases);

/// A process' or thread's name as it stands if the VMM gives it; else hidden: it may be the VM's,
/// cut to 15 characters.
[[nodiscard]] std::string anonymous_comm(std::string_view comm, Aliases& aliases);

}  // namespace irqtune
