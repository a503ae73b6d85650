# SPDX-License-Identifier: BSL-1.0
# g++, optimised, every warning an error.
include("${CMAKE_CURRENT_LIST_DIR}/warnings.cmake")
set(CMAKE_CXX_COMPILER g++ CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS "-O2 ${warnings}" CACHE STRING "" FORCE)
