// SPDX-License-Identifier: BSL-1.0
// tests/consumer/main.cpp: a program of somebody who has just added tandem to a project.
#include <tandem.hpp>

#include <cstdio>

int main() {
    tandem::thread_pool pool(2);
    auto product = pool.submit([](int a, int b) { return a * b; }, 6, 7);
    const int value = product.get();
    std::printf("%d\n", value);
    return value == 42 ? 0 : 1;
}
