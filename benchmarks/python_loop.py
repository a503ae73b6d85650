#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The jobs of event_loop.cpp with Python's asyncio: prints nanoseconds, and bytes, a job."""
import asyncio
import os
import time


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


async def child(x):
    return x + 1


async def await_child(count):
    x = 0
    for _ in range(count):
        x = await child(x)


async def nothing():
    pass


async def spawn(count):
    for _ in range(count // 1000):
        for _ in range(1000):
            asyncio.create_task(nothing())
        await asyncio.sleep(0)


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def sleepers(count):
    before = resident()
    began = time.perf_counter()
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    took = time.perf_counter() - began
    size = (resident() - before) / count
    print(f"sleepers/{count}: {1e9 * took / count:.0f} ns, {size:.0f} bytes")
    for task in tasks:
        task.cancel()


def measure(name, job, count):
    best = min(timed(job, count) for _ in range(3))
    print(f"{name}: {1e9 * best / count:.0f} ns")


def timed(job, count):
    began = time.perf_counter()
    asyncio.run(job(count))
    return time.perf_counter() - began


measure("await_child", await_child, 1_000_000)
measure("spawn", spawn, 100_000)
measure("yield", turns, 100_000)
asyncio.run(sleepers(100_000))
