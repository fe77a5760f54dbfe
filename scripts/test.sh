#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds irqtune with warnings as errors, and runs every test.
set -eu
cd "$(dirname "$0")/.."

scripts/packages.sh test
cmake --preset dev >/dev/null
cmake --build --preset dev
ctest --preset dev "$@"
