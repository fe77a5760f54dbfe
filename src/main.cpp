// SPDX-License-Identifier: Apache-2.0
#include "irqtune/cli/cli.h"

#include "cli/standard_fds.h"

#include <iostream>

int main(int argc, char** argv) {
  irqtune::occupy_standard_fds();
  std::ios::sync_with_stdio(false);
  return static_cast<int>(irqtune::run_cli(argc, argv, std::cout, std::cerr));
}
