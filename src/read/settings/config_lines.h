// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/settings.h"
#include "irqtune/sys/sysfs.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// What a line of `file` says about interrupts; empty optional if nothing, and for a comment.
[[nodiscard]] std::optional<ConfigTopic> topic_of(std::string_view file, std::string_view line);

/// The same, of a line of a script of which the others say what its variables hold.
[[nodiscard]] std::optional<ConfigTopic> topic_of(std::string_view file,
                                                  std::string_view line,
                                                  const std::vector<std::string_view>& lines);

/// The lines that bear on interrupts in what runs at boot, at times or with a VM: rc.local, cron,
/// udev rules, units and .link files of systemd, sysctl and modprobe files, hooks of libvirt and
/// Proxmox; and in the scripts that these name. By file, then line. At most a few hundred files of
/// 64 KiB each are looked at.
[[nodiscard]] std::vector<ConfigLine> read_config_lines(const Sysfs& sysfs);

/// True if the file is in one of the directories that are looked through, not only named in one.
[[nodiscard]] bool is_scanned_place(std::string_view file);

/// `text` of a line with nothing in it but what irqtune understands.
[[nodiscard]] std::string anonymous_config_line(std::string_view text);

}  // namespace irqtune
