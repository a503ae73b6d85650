#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What CPython does with generators that delegate, one line a step: generator_traces.cpp does the
same and compares. The cases are those of CPython's own Lib/test/test_yield_from.py and
test_generators.py, but for what has no counterpart (a `finally` that throws, or yields once more).
"""
import inspect


def say(line):
    print(line)


class Spam(Exception):
    pass


def state(g):
    return inspect.getgeneratorstate(g).replace("GEN_", "").lower()


def initial_next():
    def g1():
        say("Starting g1")
        yield from g2()
        say("Finishing g1")

    def g2():
        say("Starting g2")
        yield 42
        say("Finishing g2")
    for x in g1():
        say(f"Yielded {x}")


def exception_in_initial_next():
    def g1():
        try:
            say("Starting g1")
            yield from g2()
        finally:
            say("Finishing g1")

    def g2():
        try:
            say("Starting g2")
            raise ValueError("spanish inquisition occurred")
        finally:
            say("Finishing g2")
        yield "never"
    try:
        for x in g1():
            say(f"Yielded {x}")
    except ValueError as e:
        say(e)
    else:
        say("subgenerator failed to raise ValueError")


def next_calls():
    def g1():
        say("Starting g1")
        yield "g1 ham"
        yield from g2()
        yield "g1 eggs"
        say("Finishing g1")

    def g2():
        say("Starting g2")
        yield "g2 spam"
        yield "g2 more spam"
        say("Finishing g2")
    for x in g1():
        say(f"Yielded {x}")


def exception_in_next_call():
    def g1():
        try:
            say("Starting g1")
            yield "g1 ham"
            yield from g2()
            yield "g1 eggs"
        finally:
            say("Finishing g1")

    def g2():
        try:
            say("Starting g2")
            yield "g2 spam"
            raise ValueError("hovercraft is full of eels")
        finally:
            say("Finishing g2")
        yield "g2 more spam"
    try:
        for x in g1():
            say(f"Yielded {x}")
    except ValueError as e:
        say(e)


def send():
    def g1():
        say("Starting g1")
        x = yield "g1 ham"
        say(f"g1 received {x}")
        yield from g2()
        x = yield "g1 eggs"
        say(f"g1 received {x}")
        say("Finishing g1")

    def g2():
        say("Starting g2")
        x = yield "g2 spam"
        say(f"g2 received {x}")
        x = yield "g2 more spam"
        say(f"g2 received {x}")
        say("Finishing g2")
    g = g1()
    y = next(g)
    x = 1
    try:
        while True:
            y = g.send(x)
            say(f"Yielded {y}")
            x = x + 1
    except StopIteration:
        say("StopIteration")
    say(f"x = {x}")


def exception_while_sending():
    def g1():
        say("Starting g1")
        x = yield "g1 ham"
        say(f"g1 received {x}")
        yield from g2()
        x = yield "g1 eggs"
        say(f"g1 received {x}")
        say("Finishing g1")

    def g2():
        say("Starting g2")
        x = yield "g2 spam"
        say(f"g2 received {x}")
        raise ValueError("hovercraft is full of eels")
        x = yield "g2 more spam"
        say(f"g2 received {x}")
        say("Finishing g2")
    g = g1()
    next(g)
    x = 1
    try:
        while True:
            y = g.send(x)
            say(f"Yielded {y}")
            x = x + 1
    except ValueError as e:
        say(e)
    say(f"x = {x}")
    say(state(g))


def close():
    def g1():
        try:
            say("Starting g1")
            yield "g1 ham"
            yield from g2()
            yield "g1 eggs"
        finally:
            say("Finishing g1")

    def g2():
        try:
            say("Starting g2")
            yield "g2 spam"
            yield "g2 more spam"
        finally:
            say("Finishing g2")
    g = g1()
    for _ in range(2):
        x = next(g)
        say(f"Yielded {x}")
    g.close()
    say(state(g))
    g.close()
    for x in g:
        say(f"Yielded {x}")


def throw():
    def g1():
        try:
            say("Starting g1")
            yield "g1 ham"
            yield from g2()
            yield "g1 eggs"
        finally:
            say("Finishing g1")

    def g2():
        try:
            say("Starting g2")
            yield "g2 spam"
            yield "g2 more spam"
        finally:
            say("Finishing g2")
    try:
        g = g1()
        for _ in range(2):
            x = next(g)
            say(f"Yielded {x}")
        e = ValueError("tomato ejected")
        g.throw(e)
    except ValueError as e:
        say(e)
    say(state(g))


def throw_caught_inside():
    def g1():
        try:
            yield "g1 ham"
            result = yield from g2()
            say(f"g2 returned {result}")
            yield "g1 eggs"
        except Spam:
            say("Caught in g1")
            yield "after g1 caught"

    def g2():
        try:
            yield "g2 spam"
        except Spam:
            say("Caught in g2")
            yield "after g2 caught"
        return "done"
    g = g1()
    say(next(g))
    say(next(g))
    say(g.throw(Spam()))
    say(next(g))
    say(g.throw(Spam()))
    say(next(g, "StopIteration"))


def throw_returns():
    def g1():
        try:
            say("Starting g1")
            yield "g1 ham"
            yield from g2()
            yield "g1 eggs"
        finally:
            say("Finishing g1")

    def g2():
        try:
            say("Starting g2")
            yield "g2 spam"
            yield "g2 more spam"
        except Spam:
            say("Caught Spam in g2, returning")
            return
    g = g1()
    for _ in range(2):
        say(f"Yielded {next(g)}")
    say(f"Yielded {g.throw(Spam())}")


def return_values():
    def g1():
        say("Starting g1")
        yield "g1 ham"
        ret = yield from g2(0)
        say(f"g2 returned {ret}")
        ret = yield from g2(42)
        say(f"g2 returned {ret}")
        yield "g1 eggs"
        say("Finishing g1")
        return 7

    def g2(v):
        say("Starting g2")
        yield "g2 spam"
        yield "g2 more spam"
        say("Finishing g2")
        return v
    g = g1()
    try:
        while True:
            say(f"Yielded {next(g)}")
    except StopIteration as e:
        say(f"result {e.value}")


def range_delegate():
    def g1():
        try:
            say("Starting g1")
            yield from range(3)
            yield 99
        finally:
            say("Finishing g1")
    g = g1()
    say(next(g))
    say(g.send(None))
    try:
        g.throw(ValueError("tomato ejected"))
    except ValueError as e:
        say(e)
    g = g1()
    say(next(g))
    try:
        say(g.send(42))
    except AttributeError:
        say("refused")
    for x in g:
        say(f"Yielded {x}")
    for x in g1():
        say(f"Yielded {x}")


def loop():
    def g1():
        say("g1: starting")
        yield "y1"
        say("g1: about to yield from g2")
        yield from g2()
        say("g1 should not be here")

    def g2():
        yield "y2"
        yield from gi
        yield "y3"
    gi = g1()
    try:
        for y in gi:
            say(f"Yielded: {y}")
    except ValueError:
        say("refused")


def lent():
    def sub():
        try:
            for i in range(5):
                yield i
        finally:
            say("Finishing sub")

    def outer(s):
        try:
            yield from s
        finally:
            say("Finishing outer")
    s = sub()
    say(next(s))
    g = outer(s)
    say(next(g))
    say(next(g))
    say(state(s))
    for x in g:
        say(f"Yielded {x}")
    say(state(s))


def states():
    def nothing():
        return
        yield 0

    def one():
        say(state(g))
        yield 1
    g = one()
    say(state(g))
    next(g)
    say(state(g))
    say(next(g, "end"))
    say(state(g))
    g = nothing()
    say(next(g, "end"))
    say(next(g, "end"))

    g = one()
    try:
        g.throw(Spam())
    except Spam:
        say("Spam")
    say(state(g))
    try:
        g.throw(Spam())
    except Spam:
        say("Spam")
    g = one()
    g.close()
    say(state(g))
    say(next(g, "end"))


def misuse():
    def talks():
        while True:
            say(f"heard {(yield)}")
    g = talks()
    try:
        g.send(1)
    except TypeError:
        say("refused")
    next(g)
    g.send(2)

    def itself():
        try:
            next(g)
        except ValueError:
            say("refused")
        try:
            g.close()
        except ValueError:
            say("refused")
        yield 1
    g = itself()
    say(next(g))


def exception_in_the_middle():
    def fails(n):
        try:
            if n == 0:
                yield "bottom"
                raise Spam()
            yield from fails(n - 1)
        except Spam:
            say(f"caught at {n}")
            if n < 2:
                raise
            yield f"recovered at {n}"
        say(f"end of {n}")
    for x in fails(4):
        say(f"Yielded {x}")


for case in (initial_next, exception_in_initial_next, next_calls, exception_in_next_call, send,
             exception_while_sending, close, throw, throw_caught_inside, throw_returns,
             return_values, range_delegate, loop, lent, states, misuse, exception_in_the_middle):
    print(f"== {case.__name__}")
    case()
