# SPDX-License-Identifier: BSL-1.0
# The warnings that the project is free of; only the checks make them errors, never a target.
set(warnings "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror")
