// SPDX-License-Identifier: BSL-1.0
// tests/headers/odr_a.cpp: the umbrella, alone and first, in one of the two units of a program.
#include <tandem.hpp>

int version_in_the_other_unit();  // odr_b.cpp

int main() { return version_in_the_other_unit() == TANDEM_VERSION_MINOR ? 0 : 1; }
