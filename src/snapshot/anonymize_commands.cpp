// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include "read/vms/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "snapshot/anonymize.h"

namespace irqtune {

namespace {

constexpr std::string_view kHidden = "x";

bool is_one_of(std::string_view word, std::string_view list) {
  return fmt::format(" {} ", list).find(fmt::format(" {} ", word)) != std::string::npos;
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool names_socket(std::string_view key) {
  return is_one_of(key, "api-socket api-sock socket");
}

/// Hides each value in `text` that stands between `before` and `end`; paths below /sys and
/// /dev/vfio are the host's own.
void hide_values(std::string& text, const std::string& before, char end) {
  std::string out;
  std::string_view rest = text;
  for (auto at = rest.find(before); at != std::string_view::npos; at = rest.find(before)) {
    out += rest.substr(0, at + before.size());
    rest.remove_prefix(at + before.size());
    const auto value = rest.substr(0, rest.find(end));
    const bool shown = value.starts_with("/sys/") || value.starts_with("/dev/vfio/");
    out += shown ? value : kHidden;
    rest.remove_prefix(value.size());
  }
  text = out.append(rest);
}

/// Takes out the values of keys that may name something of the owner's, in "key=value,..." and in
/// {"key":"value",...}.
std::string without_values(std::string text) {
  for (const std::string_view key :
       {"serial", "file",  "filename", "mem-path", "path",   "secret",   "password",
        "passwd", "keyid", "user",     "mac",      "ifname", "script",   "server",
        "export", "image", "id",       "iothread", "memdev", "node-name"}) {
    hide_values(text, fmt::format("{}=", key), ',');
    hide_values(text, fmt::format(R"("{}":")", key), '"');
  }
  return text;
}

/// What is left of -drive: an NVMe disk that QEMU drives itself, by its address.
std::string anonymous_drive(std::string_view value) {
  std::string out;
  for (const auto& [key, text] : parse_options(value)) {
    if (text.starts_with("nvme://") || key.ends_with("driver") || key.ends_with("device")) {
      out += fmt::format("{}{}={}", out.empty() ? "" : ",", key, text);
    }
  }
  return out.find("nvme") != std::string::npos ? out : std::string(kHidden);
}

bool is_device_of_host(std::string_view value) {
  constexpr std::array<std::string_view, 6> kMarks = {
      "vfio", "iothread", "/sys/", "memory-backend", "nvme", "thread-context"};
  return std::ranges::any_of(
      kMarks, [&](std::string_view mark) { return value.find(mark) != std::string_view::npos; });
}

/// QEMU's -name has more in it than the name.
std::string name_value(std::string_view value, const std::string& alias) {
  constexpr std::string_view kThreads = ",debug-threads=";
  const auto threads = value.find(kThreads);
  const auto end = threads == std::string_view::npos ? threads : value.find(',', threads + 1);
  return fmt::format("guest={}{}",
                     alias,
                     threads == std::string_view::npos ? "" : value.substr(threads, end - threads));
}

/// `alias` stands for the VM's name.
std::string option_value(std::string_view key,
                         std::string_view value,
                         const std::string& alias,
                         Aliases& aliases) {
  if (key == "id") {
    return parse_number<int>(value) ? std::string(value) : alias;
  }
  if (names_socket(key)) {
    return fmt::format("/run/{}.sock", alias);
  }
  if (is_one_of(key, "device object blockdev vfio numa")) {
    return is_device_of_host(value) || key == "numa"
               ? aliases.replace_ids(without_values(std::string(value)))
               : std::string(kHidden);
  }
  if (key == "drive") {
    return anonymous_drive(value);
  }
  if (key == "platform") {
    const auto uuid = value.find("uuid=");
    return uuid == std::string_view::npos
               ? std::string(kHidden)
               : aliases.replace_ids(value.substr(uuid, value.find(',', uuid) - uuid));
  }
  if (is_one_of(key, "uuid smp m machine M accel cpu cpus memory overcommit")) {
    return aliases.replace_ids(without_values(std::string(value)));
  }
  return std::string(kHidden);
}

/// Calls `use(key, value)` for each value of an option; `key` is without its dashes, and empty for
/// a word that belongs to none.
template <typename Use>
void each_word(std::string_view cmdline, Use use) {
  std::string_view key;
  while (!cmdline.empty()) {
    const auto word = take_until(cmdline, '\0');
    if (!word.starts_with('-')) {
      use(key, word, std::string_view{});
      continue;
    }
    key = word.substr(std::min(word.find_first_not_of('-'), word.size()));
    const auto option = word.substr(0, word.find('='));
    const bool has_value = option.size() < word.size();
    key = key.substr(0, key.find('='));
    use(key, has_value ? word.substr(option.size() + 1) : std::string_view{}, option);
  }
}

/// Parameters of the kernel that name the owner's things, or hold secrets.
bool is_private_parameter(std::string_view key) {
  constexpr std::array<std::string_view, 24> kKeys = {
      "root",    "resume", "BOOT_IMAGE", "ip",     "nfsroot",     "nfsaddrs",  "*uuid*", "rd.*",
      "crypt*",  "luks*",  "ks*",        "inst.*", "hostname",    "systemd.*", "*pass*", "*secret*",
      "*token*", "*key*",  "url",        "ds",     "autoinstall", "iscsi*",    "ifname", "zfs*"};
  return std::ranges::any_of(kKeys, [&](auto pattern) { return matches_glob(pattern, key); });
}

}  // namespace

std::string name_in_vmm_command(std::string_view cmdline) {
  return printable(parse_vmm_command(cmdline).name);
}

std::string anonymous_vmm_command(std::string_view cmdline, Aliases& aliases) {
  const auto command = parse_vmm_command(cmdline);
  const auto alias = aliases.name(printable(command.name));
  const auto program = last_part(take_until(cmdline, '\0'));
  std::string out(vmm_of_program(program) != nullptr ? program : kHidden);  // "microvm@web"
  out += '\0';
  each_word(cmdline, [&](std::string_view key, std::string_view value, std::string_view option) {
    out += option;
    if (!value.empty()) {
      out += option.empty() ? "" : "=";
      out += key.empty()     ? std::string(kHidden)
             : key != "name" ? option_value(key, value, alias, aliases)
             : command.qemu  ? name_value(value, alias)
                             : alias;
    }
    out += '\0';
  });
  return out;
}

std::string anonymous_kernel_command(std::string_view cmdline, Aliases& aliases) {
  std::string out;
  for (const auto word : words(cmdline)) {
    const auto key = word.substr(0, word.find('='));
    out += out.empty() ? "" : " ";
    if (key.size() == word.size()) {
      out += key.find('/') == std::string_view::npos ? key : kHidden;  // An initrd, or init's own.
    } else {
      const auto value = word.substr(key.size() + 1);
      const bool hidden = is_private_parameter(key) || value.find('/') != std::string_view::npos ||
                          value.find('@') != std::string_view::npos;
      out += fmt::format("{}={}", key, hidden ? kHidden : value);
    }
  }
  return aliases.replace_ids(out) + "\n";
}

}  // namespace irqtune
