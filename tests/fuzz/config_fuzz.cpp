// SPDX-License-Identifier: Apache-2.0
// The configuration file, as every command reads it.
#include "irqtune/core/error.h"

#include "cli/commands.h"
#include "cli/support.h"

#include <array>
#include <sstream>

#include "fuzz/fuzz.h"

namespace {

using irqtune::fuzz::require;

void check_policy(const irqtune::Invocation& call) {
  if (const auto* plan = std::get_if<irqtune::PlanOptions>(&call.command)) {
    try {
      static_cast<void>(irqtune::policy_of(plan->policy));
    } catch (const irqtune::Error& error) {
      require(error.kind() == irqtune::ErrorKind::usage, "a bad option is bad usage", error.what());
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const irqtune::fuzz::MemoryFile file(irqtune::fuzz::text_of(data, size));
  const std::array arguments{"irqtune", "--config", file.path().c_str(), "plan"};
  std::ostringstream out;
  std::ostringstream err;
  const auto parsed =
      irqtune::parse_command_line(static_cast<int>(arguments.size()), arguments.data(), out, err);
  if (const auto* call = std::get_if<irqtune::Invocation>(&parsed)) {
    check_policy(*call);
  } else if (std::get<irqtune::ExitCode>(parsed) == irqtune::ExitCode::usage) {
    require(err.str().starts_with("irqtune: "), "a bad file has an error", err.str());
    require(irqtune::fuzz::is_plain(err.str()), "an error can be shown", err.str());
  }
  return 0;
}
