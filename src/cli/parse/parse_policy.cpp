// SPDX-License-Identifier: Apache-2.0
#include "cli/parse/parse_policy.h"

#include "cli/parse/validators.h"

#include <string>
#include <vector>

namespace irqtune {

void add_protection(CLI::App& app, PolicyOptions& options) {
  app.add_option("--avoid", options.avoid, "CPUs that must take no vector")
      ->type_name("CPULIST")
      ->check(some_cpus());
  app.add_flag("--no-protect-siblings",
               options.no_protect_siblings,
               "SMT siblings of vCPUs' CPUs may take vectors");
  app.add_flag("--include-defined",
               options.include_defined,
               "Protect the pins of defined but stopped VMs too");
  app.add_option("--default-set",
                 options.default_set,
                 "CPUs of what is not pinned (default: PID 1's, less what slices leave out)")
      ->type_name("CPULIST")
      ->check(some_cpus());
  app.add_flag(
      "--trust-user-vms", options.trust_user_vms, "VMs that ordinary users made protect CPUs too");
  add_list(app,
           "--trusted-users",
           options.trusted_users,
           "The VMs of this user protect CPUs too (repeatable)")
      ->type_name("USER");
  add_list(
      app, "--assume-node", options.assume_nodes, "NUMA node of a device, where sysfs does not say")
      ->type_name("ADDR=N");
  app.add_option("--sample",
                 options.sample,
                 "Rates from two readings so far apart (default: 1; 0: since boot)")
      ->type_name("SECONDS")
      ->check(in_range(0.0, 3600.0));
}

void add_policy(CLI::App& app, PolicyOptions& options) {
  add_list(app, "--device", options.devices, "Only these devices (repeatable)")
      ->type_name("ADDR|GLOB");
  add_list(app, "--skip-device", options.skip_devices, "Not these devices (repeatable)")
      ->type_name("ADDR|GLOB");
  add_list(app, "--vm", options.vms, "Only devices of these VMs (repeatable)")
      ->type_name("NAME|GLOB");
  app.add_option("--policy", options.policy, "avoid (default), colocate or leave")
      ->type_name("POLICY");
  add_list(app, "--vm-policy", options.vm_policies, "Policy of these VMs (repeatable)")
      ->type_name("NAME|GLOB=POLICY");
  app.add_option("--scope",
                 options.scope,
                 "passthrough (default); evict: also host interrupts on protected CPUs; all")
      ->type_name("SCOPE");
  add_protection(app, options);
  app.add_option("--housekeeping", options.housekeeping, "Only these CPUs may take vectors")
      ->type_name("CPULIST")
      ->check(some_cpus());
  app.add_option(
         "--pool",
         options.pool,
         "Pool CPUs before housekeeping CPUs of other nodes (node, default) or after (last)")
      ->type_name("WHEN");
  app.add_option(
         "--min-gain", options.min_gain, "Move a well-placed vector only for so much balance (10)")
      ->type_name("PERCENT")
      ->check(in_range(0.0, 100.0));
  app.add_option("--max-vectors-per-cpu", options.max_vectors_per_cpu, "Budget of a CPU (x86: 200)")
      ->type_name("N")
      ->check(whole_in_range(1, 1 << 16));
  app.add_option("--near", options.near, "Whose node counts: device (default) or vm")
      ->type_name("WHOSE");
  app.add_option("--busy-threshold",
                 options.busy_threshold,
                 "CPUs with more irq and softirq time take no more vectors (80)")
      ->type_name("PERCENT")
      ->check(in_range(1.0, 100.0));
  app.add_flag("--rebalance", options.rebalance, "May move vectors that are well placed");
  app.add_flag("--default-affinity",
               options.default_affinity,
               "Also set /proc/irq/default_smp_affinity (host-wide) to the housekeeping CPUs");
}

}  // namespace irqtune
