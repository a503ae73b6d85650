# SPDX-License-Identifier: BSL-1.0
# clang-19, not optimised (coroutine chains must not need tail calls), every warning an error.
include("${CMAKE_CURRENT_LIST_DIR}/warnings.cmake")
set(CMAKE_CXX_COMPILER clang++-19 CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS "-O0 ${warnings}" CACHE STRING "" FORCE)
