// SPDX-License-Identifier: Apache-2.0
#include "cli/support.h"

#include <ostream>

namespace irqtune {

namespace {

Section section_of(const std::string& name) {
  if (name == "topology") {
    return Section::topology;
  }
  if (name == "devices") {
    return Section::devices;
  }
  if (name == "irqs") {
    return Section::irqs;
  }
  return name == "vms" ? Section::vms : Section::all;
}

}  // namespace

ExitCode run(const ShowOptions& options, const Context& context) {
  const auto policy = policy_of(options.policy);
  const auto section = section_of(options.section);
  const bool everything =
      options.section == "all" || (context.call.json && section == Section::all);
  const bool host_irqs = everything || section == Section::irqs || section == Section::devices;
  const bool names = section == Section::devices || section == Section::all;
  const auto host = read_host_for(
      context, options.policy, host_irqs ? Detail::devices : Detail::passthrough, names);
  const auto protection = protections(host, policy.protection);
  print_warnings(context, host.warnings);
  if (context.call.json) {
    print_host_json(context.out, host, protection, section);
    return ExitCode::ok;
  }
  if (context.call.quiet) {
    return ExitCode::ok;
  }
  if (options.section != "all") {
    context.out << host_text(host, protection, section, context.style);
    return ExitCode::ok;
  }
  for (const auto one : {Section::vms, Section::topology, Section::devices, Section::irqs}) {
    context.out << host_text(host, protection, one, context.style) << '\n';
  }
  return ExitCode::ok;
}

}  // namespace irqtune
