// SPDX-License-Identifier: Apache-2.0
#include "report/text/cpu_marks.h"

#include "irqtune/core/text.h"

#include "report/text/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace irqtune {

namespace {

constexpr std::array<std::pair<ProtectionKind, char>, 5> kSigns = {
    {{ProtectionKind::isolated, '#'},
     {ProtectionKind::nohz_full, '~'},
     {ProtectionKind::cpuset, '='},
     {ProtectionKind::polling, '+'},
     {ProtectionKind::user, '!'}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kWords = {
    {{".", "housekeeping"},
     {"x", "offline"},
     {"#", "isolated"},
     {"~", "nohz_full"},
     {"=", "cpuset partition"},
     {"+", "polling thread"},
     {"!", "avoided"},
     {"*", "vCPUs of several VMs"},
     {"A2", "vCPU 2 of VM A"},
     {"A", "vCPUs of VM A"},
     {"a", "sibling of a vCPU of VM A"}}};

/// "A" to "Z", "AA", ...: short for the VM's name.
std::string letters(std::size_t index) {
  constexpr std::size_t kLetters = 26;
  const auto last = static_cast<char>('A' + static_cast<char>(index % kLetters));
  return (index < kLetters ? std::string{} : letters(index / kLetters - 1)) + last;
}

std::string lower(std::string text) {
  for (auto& c : text) {
    c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// The entries side by side, in lines of `width` columns.
std::string filled(const std::vector<std::string>& entries, std::size_t width) {
  constexpr std::string_view kGap = "   ";
  std::string out;
  std::size_t column = 0;
  for (const auto& entry : entries) {
    const bool fits = column > 0 && column + kGap.size() + display_width(entry) <= width;
    out += fits ? kGap : column > 0 ? "\n" : "";
    column = (fits ? column + kGap.size() : 0) + display_width(entry);
    out += entry;
  }
  return out.empty() ? out : out + '\n';
}

}  // namespace

CpuMarks::CpuMarks(const ProtectionMap& protections) : protections_(protections) {
  for (const auto& [cpu, reasons] : protections) {
    add_vms(reasons);
  }
  std::size_t index = 0;
  for (auto& [name, letter] : vms_) {
    letter = letters(index++);
  }
}

void CpuMarks::add_vms(const std::vector<Protection>& reasons) {
  for (const auto& reason : reasons) {
    if (!reason.vm.empty()) {
      vms_.try_emplace({reason.vm, reason.pid});
    }
  }
}

std::string CpuMarks::mark(const Cpu& cpu) {
  if (!cpu.online) {
    return used("x");
  }
  const auto found = protections_.find(cpu.number);
  if (found == protections_.end()) {
    return used(".");
  }
  auto out = vm_mark(found->second);
  for (const auto& [kind, sign] : kSigns) {
    const auto has = std::ranges::find(found->second, kind, &Protection::kind);
    out += has != found->second.end() ? used(std::string(1, sign)) : "";
  }
  return out;
}

std::string CpuMarks::legend(std::size_t width) const {
  std::vector<std::string> signs;
  for (const auto& [sign, text] : kWords) {
    if (used_.contains(std::string(sign))) {
      signs.push_back(fmt::format("{} {}", sign, text));
    }
  }
  std::vector<std::string> names;
  for (const auto& [vm, letter] : vms_) {
    names.push_back(fmt::format("VM {} is {}", letter, name_text(vm)));
  }
  return filled(signs, width) + filled(names, width);
}

/// With the PID, if another VM has the name too.
std::string CpuMarks::name_text(const Name& vm) const {
  const auto first = vms_.lower_bound({vm.first, std::nullopt});
  const auto second = std::next(first);
  const bool same = second != vms_.end() && second->first.first == vm.first;
  const auto name = cut(printable(vm.first), 24);
  return same && vm.second ? fmt::format("{} (pid {})", name, *vm.second) : name;
}

std::string CpuMarks::used(std::string mark) {
  used_.insert(mark);
  return mark;
}

std::string CpuMarks::vm_mark(const std::vector<Protection>& reasons) {
  std::set<Name> vms;
  CpuSet vcpus;
  for (const auto& reason : reasons) {
    if (!reason.vm.empty()) {
      vms.emplace(reason.vm, reason.pid);
    }
    if (reason.kind == ProtectionKind::vcpu) {
      vcpus |= reason.vcpus;
    }
  }
  if (vms.size() != 1) {
    return vms.empty() ? "" : used("*");
  }
  const auto& letter = vms_.at(*vms.begin());
  used(vcpus.empty() ? "a" : vcpus.size() == 1 ? "A2" : "A");
  return vcpus.empty()       ? lower(letter)
         : vcpus.size() == 1 ? fmt::format("{}{}", letter, *vcpus.first())
                             : letter;
}

}  // namespace irqtune
