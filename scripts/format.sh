#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Formats every C and C++ source in place.
set -eu
cd "$(dirname "$0")/.."
git ls-files -co --exclude-standard '*.cpp' '*.h' '*.c' | xargs clang-format -i
