// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/apply.h"

#include "cli/commands.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

// What several commands need.

/// The options as values. Throws Error{usage} naming the option that has no meaning.
[[nodiscard]] Policy policy_of(const PolicyOptions& options);

/// Throws Error{usage} as policy_of, and reading the host, would of the option "--key" alone. Of
/// other keys: nothing.
void check_policy_value(const std::string& key, const std::string& value);

/// Reads the host as the options ask.
[[nodiscard]] Host read_host_for(const Context& context,
                                 const PolicyOptions& options,
                                 Detail detail,
                                 bool names);

/// How much of the host a plan needs: all interrupts where the scope or a given budget counts them.
[[nodiscard]] Detail detail_for(const Policy& policy);

/// Reads the host and plans.
struct Planned {
  Host host;
  Plan plan;
};

[[nodiscard]] Planned plan_for(const Context& context, const PolicyOptions& options);

/// Who runs this, on which host, with which state directory.
[[nodiscard]] Session session_of(const Context& context, const HostId& id);

/// Where its state directory is.
[[nodiscard]] std::filesystem::path state_dir_of(const Context& context);

/// False of a snapshot file, which has no state directory unless one is named.
[[nodiscard]] bool may_have_journals(const Context& context);

/// Prints warnings to standard error, unless -qq; what follows a line break in one is a hint.
void say_warnings(const Context& context, const std::vector<std::string>& warnings);

/// The same, unless --json (where the document holds them).
void print_warnings(const Context& context, const std::vector<std::string>& warnings);

/// Shows "what, N s left" on a terminal while something waits.
[[nodiscard]] std::function<void(double)> progress_of(const Context& context, std::string what);

/// Throws Error{usage} if the root is a snapshot file, for commands that write.
void require_writable_root(const Context& context, std::string_view command);

/// What an option gave as seconds, cut to whole milliseconds.
[[nodiscard]] std::chrono::milliseconds milliseconds(double seconds);

/// The whole text of what an option names: a file, a pipe, or standard input for "-". Throws
/// Error{usage} with a hint to give `what` if it cannot be read.
[[nodiscard]] std::string read_input(const std::string& path,
                                     std::string_view option,
                                     std::string_view what);

/// How to name such an input: its path, or "standard input".
[[nodiscard]] std::string input_name(const std::string& path);

/// An environment variable; empty if it is not set.
[[nodiscard]] std::string environment(const char* name);

}  // namespace irqtune
