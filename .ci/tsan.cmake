# SPDX-License-Identifier: BSL-1.0
# clang-19 with ThreadSanitizer; the first finding ends the test.
set(CMAKE_CXX_COMPILER clang++-19 CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS "-O0 -g1 -fsanitize=thread" CACHE STRING "" FORCE)
