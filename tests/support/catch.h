// SPDX-License-Identifier: Apache-2.0
#pragma once

// Catch2 v2 (Debian 12) and v3 (Ubuntu 24.04, Fedora) name their header differently.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
