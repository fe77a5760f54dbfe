// SPDX-License-Identifier: Apache-2.0
#include "irqtune/diagnose/diagnose.h"

#include "diagnose/parts.h"
#include "diagnose/placement/handler_threads.h"

namespace irqtune {

std::vector<Finding> find_placement(const DiagnosisInput& input) {
  std::vector<Finding> findings;
  diagnosis::find_collisions(input, findings);
  diagnosis::find_handler_threads(input, findings);
  diagnosis::find_remote(input, findings);
  diagnosis::find_host_irqs(input, findings);
  diagnosis::find_storms(input, findings);
  diagnosis::find_cpu_placement(input, findings);
  diagnosis::find_room(input, findings);
  diagnosis::find_vm_placement(input, findings);
  return findings;
}

}  // namespace irqtune
