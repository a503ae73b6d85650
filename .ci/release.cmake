# SPDX-License-Identifier: BSL-1.0
# What benchmarks/run builds: optimised, assertions off.
if(NOT DEFINED ENV{CXX})
    set(CMAKE_CXX_COMPILER g++ CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS "-O2 -DNDEBUG" CACHE STRING "" FORCE)
