# SPDX-License-Identifier: BSL-1.0
# g++, not optimised, with AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer; the first
# finding ends the test.
set(CMAKE_CXX_COMPILER g++ CACHE STRING "" FORCE)
set(sanitize "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS "-O0 -g1 ${sanitize}" CACHE STRING "" FORCE)
