// SPDX-License-Identifier: Apache-2.0
#include "cli/parse_config.h"

#include <CLI/CLI.hpp>

#include <istream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace irqtune {

namespace {

/// CLI11's own config format, in which a section [policy] stands for that of every command that
/// plans. A command's own section wins, wherever in the file it stands.
class PolicyConfig : public CLI::ConfigTOML {
 public:
  /// `app` must outlive the object.
  explicit PolicyConfig(const CLI::App& app) : app_(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::istringstream text(limited(input));
    std::vector<CLI::ConfigItem> own;
    std::vector<CLI::ConfigItem> common;
    for (auto& item : CLI::ConfigTOML::from_config(text)) {
      if (item.parents != std::vector<std::string>{"policy"}) {
        own.push_back(std::move(item));
      } else if (item.name != "++" && item.name != "--") {  // Not where the section begins or ends
        add_for_commands(item, common);
      }
    }
    // Of two values for an option, CLI11 takes the first.
    own.insert(own.end(), common.begin(), common.end());
    return own;
  }

 private:
  /// All of the input, which must not be endless.
  static std::string limited(std::istream& input) {
    constexpr std::size_t kLargest = std::size_t{1} << 20;
    std::string text(kLargest + 1, '\0');
    input.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(input.gcount()));
    if (text.size() > kLargest) {
      throw CLI::FileError("larger than 1 MiB");
    }
    return text;
  }

  /// An unknown name stays in [policy], so that the error names that.
  void add_for_commands(const CLI::ConfigItem& item, std::vector<CLI::ConfigItem>& out) const {
    bool known = false;
    for (const auto* command : {"plan", "explain", "apply", "check", "diagnose"}) {
      if (app_.get_subcommand(command)->get_option_no_throw("--" + item.name) != nullptr) {
        out.push_back(item);
        out.back().parents = {command};
        known = true;
      }
    }
    if (!known) {
      out.push_back(item);
    }
  }

  const CLI::App& app_;
};

}  // namespace

std::shared_ptr<CLI::Config> make_config(const CLI::App& app) {
  return std::make_shared<PolicyConfig>(app);
}

}  // namespace irqtune
