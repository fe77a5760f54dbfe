// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

namespace CLI {
class App;
class Config;
}  // namespace CLI

namespace irqtune {

/// How the configuration file is read. `app` must outlive it.
[[nodiscard]] std::shared_ptr<CLI::Config> make_config(const CLI::App& app);

}  // namespace irqtune
