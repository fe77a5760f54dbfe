// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace irqtune {

/// Asks a service of this machine by its stream socket: one request, then all that it answers until
/// it hangs up. Nobody else is believed than process `pid`, whoever made the socket; and nobody is
/// waited for longer than a second. A name that begins with `@` is an abstract one, which has no
/// file. Empty optional if there is no such socket, another process has it, or it does not answer.
[[nodiscard]] std::optional<std::string> ask_socket(std::string_view name,
                                                    std::string_view request,
                                                    int pid);

}  // namespace irqtune
