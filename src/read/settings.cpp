// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/settings.h"

namespace irqtune {

Settings read_settings(const Sysfs& sysfs, const Host& /*host*/) {
  Settings settings;
  settings.posting = read_posting_facts(sysfs);
  return settings;
}

}  // namespace irqtune
