# SPDX-License-Identifier: BSL-1.0
# What tests/run and examples/run build when nothing else is asked for: optimised, assertions on.
if(NOT DEFINED ENV{CXX})
    set(CMAKE_CXX_COMPILER g++ CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS "-O2" CACHE STRING "" FORCE)
