// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/read/vms/sources.h"

#include "read/vms/options.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// The host's PCI device behind "/sys/bus/pci/devices/0000:3b:00.0/".
[[nodiscard]] std::optional<PciAddress> address_of_path(std::string_view path);

/// Gathers QEMU's options and reads them as QEMU does: what is given several times is joined, and
/// of one key the last value counts.
/// Source: QEMU system/vl.c, qemu_init(); hw/core/machine-smp.c, machine_parse_smp_config().
class QemuOptions {
 public:
  /// An option's name ("-smp") and its value.
  void take(std::string_view key, std::string_view value);

  /// Fills in what they say together.
  void finish(VmmCommand& command) const;

 private:
  using Values = std::map<std::string, std::string, std::less<>>;

  void take_machine(std::string_view value);
  void take_name(std::string_view value);
  void take_drive(std::string_view value);
  void take_disk(const std::vector<OptionPair>& options);
  void take_node(const std::vector<OptionPair>& options);
  void take_object(std::string_view value);
  void take_set(std::string_view value);
  [[nodiscard]] std::optional<int> smp_number(std::string_view key) const;
  [[nodiscard]] std::optional<int> vcpus() const;
  void finish_device(const std::vector<OptionPair>& device, VmmCommand& command) const;

  Values machine_;  ///< "smp.cpus" is -smp's "cpus".
  std::string name_;
  std::string uuid_;
  std::optional<int> vmid_;
  bool config_file_ = false;  ///< -readconfig: may say what the command line does not.
  std::vector<std::vector<OptionPair>> devices_;
  std::map<std::string, Values, std::less<>> set_;  ///< By a device's id.
  std::vector<PciAddress> disks_;
  std::vector<std::string> iothreads_;
  std::vector<std::string> vdpa_;
};

}  // namespace irqtune
