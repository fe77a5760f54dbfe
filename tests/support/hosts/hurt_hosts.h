// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/hosts/kvm_tree.h"

#include <functional>
#include <string_view>
#include <vector>

namespace irqtune::test {

/// A change to the healthy host after which one finding is there, and no other.
struct HurtHost {
  std::string_view id;
  std::function<void(KvmTree&)> hurt;
};

/// A host for each finding that `diagnose` can make of a host.
[[nodiscard]] std::vector<HurtHost> hurt_hosts();

}  // namespace irqtune::test
