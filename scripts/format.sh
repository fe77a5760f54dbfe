#!/bin/bash
# Formats every C++ source in place.
set -eu
cd "$(dirname "$0")/.."
git ls-files -co --exclude-standard '*.cpp' '*.h' | xargs clang-format -i
