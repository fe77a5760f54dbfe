// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/handler_threads.h"
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "snapshot/anonymize.h"

namespace irqtune {

namespace {

bool is_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// True for a word that tells nothing: the kernel's, systemd's, libvirt's, a number, an alias.
bool is_harmless(std::string_view word) {
  constexpr std::array<std::string_view, 27> kWords = {
      "machine", "qemu",    "lxc",        "kvm",      "libvirt", "libvirtd", "virtqemud",
      "slice",   "scope",   "service",    "emulator", "vcpu",    "iothread", "system",
      "user",    "init",    "session",    "app",      "sys",     "fs",       "cgroup",
      "cpuset",  "unified", "background", "vm",       "cpu",     "cpuacct"};
  const auto stem = word.substr(0, word.find_first_of("0123456789"));
  return is_digits(word.substr(stem.size())) &&
         (stem.empty() || std::ranges::find(kWords, stem) != kWords.end());
}

/// How many characters at the start of `text` stand between words: one, or an escape of systemd's
/// ("\x2d"). 0 if a word goes on there. Commas are those of a mount with several controllers.
std::size_t gap_length(std::string_view text) {
  constexpr std::size_t kEscape = 4;
  if (text.size() >= kEscape && text.starts_with("\\x")) {
    return kEscape;
  }
  return std::string_view("-.@:,").find(text.front()) != std::string_view::npos ? 1 : 0;
}

std::string hidden_component(std::string_view component, Aliases& aliases) {
  std::string out;
  std::string word;
  const auto end_word = [&] {
    out += is_harmless(word) ? word : aliases.hidden(word);
    word.clear();
  };
  while (!component.empty()) {
    const auto gap = gap_length(component);
    if (gap > 0) {
      end_word();
      out += component.substr(0, gap);
    } else {
      word += component.front();
    }
    component.remove_prefix(std::max<std::size_t>(gap, 1));
  }
  end_word();
  return out;
}

bool is_kernel_file(std::string_view name) {
  return name.starts_with("cpuset.") || name.starts_with("cgroup.");
}

/// Names that are of the program, not of a VM. What a glob leaves open may be anything, so only
/// what no one chooses stays.
bool is_vmm_comm(std::string_view comm) {
  constexpr std::array<std::string_view, 12> kNames = {"qemu-system-*",
                                                       "qemu-kvm",
                                                       "kvm-*",
                                                       "cloud-hyperviso*",
                                                       "vhost-[0-9]*",
                                                       "vnc_worker",
                                                       "SPICE Worker",
                                                       "IO mon_iothread",
                                                       "IO iothread[0-9]*",
                                                       "worker",
                                                       "_disk[0-9]*",
                                                       "_net[0-9]*"};
  const auto is_whole = [&](const Vmm& vmm) {
    const auto same = [&](std::string_view glob) {
      return comm == glob || (glob.ends_with('*') && comm == glob.substr(0, glob.size() - 1));
    };
    return std::ranges::any_of(vmm.comms, same) || std::ranges::any_of(vmm.helpers, same);
  };
  return vcpu_of_thread(comm) || std::ranges::any_of(vmms(), is_whole) ||
         std::ranges::any_of(kNames,
                             [&](std::string_view name) { return matches_glob(name, comm); });
}

/// What of a process's name tells that it is a VMM's; empty if nothing does.
std::string_view vmm_start(std::string_view comm) {
  for (const auto& vmm : vmms()) {
    const auto found = std::ranges::find_if(vmm.comms, [&](std::string_view glob) {
      const auto star = glob.find('*');
      return star != std::string_view::npos && star > 0 && comm.starts_with(glob.substr(0, star));
    });
    if (found != vmm.comms.end()) {
      return found->substr(0, found->find('*'));
    }
  }
  return comm.find("qemu") != std::string_view::npos ? "qemu" : "";
}

}  // namespace

std::string anonymous_group_path(std::string_view path, Aliases& aliases) {
  const auto known = aliases.replace_ids(aliases.replace_names(path));
  std::string out;
  for (const auto component : split(known, '/')) {
    out +=
        is_kernel_file(component) ? std::string(component) : hidden_component(component, aliases);
    out += '/';
  }
  return out.substr(0, out.rfind('/'));  // None at all of an empty path.
}

std::string anonymous_groups(std::string_view text, Aliases& aliases) {
  std::string out;
  for (auto line : split(trimmed(text), '\n')) {
    const auto hierarchy = take_until(line, ':');
    const auto controllers = take_until(line, ':');
    out += fmt::format("{}:{}:{}\n", hierarchy, controllers, anonymous_group_path(line, aliases));
  }
  return out;
}

std::string anonymous_comm(std::string_view comm, Aliases& aliases) {
  // What tells a VMM, an I/O thread or an interrupt's handler stays.
  if (is_vmm_comm(comm)) {
    return std::string(comm);
  }
  if (aliases.knows(comm)) {
    return aliases.name(comm);
  }
  if (const auto irq = irq_of_thread(comm)) {
    const auto name = comm.substr(comm.find('-') + 1);
    return fmt::format("irq/{}-{}",
                       static_cast<unsigned>(*irq),
                       name.starts_with("vfio") ? std::string(name) : aliases.hidden(name));
  }
  if (comm.starts_with("IO ")) {
    return "IO " + aliases.hidden(comm);
  }
  return std::string(vmm_start(comm)) + aliases.hidden(comm);
}

}  // namespace irqtune
