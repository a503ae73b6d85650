// SPDX-License-Identifier: BSL-1.0
// tests/support/catch.cpp: all of Catch2 that needs compiling, so that it is done once.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include "support/catch.hpp"

int run_catch(int argc, char** argv);

int run_catch(int argc, char** argv) { return Catch::Session().run(argc, argv); }
