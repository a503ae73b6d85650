// SPDX-License-Identifier: BSL-1.0
// wait_point.pml: the event count of core/parker.hpp, for Spin. A lost wake-up is a thread that never
// ends. Each BUG_ takes one thing away, and must be found: check.py.

#define THREADS 3

byte condition;  // how many may go on
byte epoch, waiters;
byte asleep[THREADS + 2];  // the kernel; init is number 0

inline park(ticket) {
    atomic {
        if
        :: epoch == ticket -> asleep[_pid] = 1
        :: else
        fi
    }
    asleep[_pid] == 0
}
inline unpark_all() {
    d_step {
        asleep[1] = 0;
        asleep[2] = 0;
        asleep[3] = 0
    }
}
// Whether this thread may go on: the condition is read and changed in one step, as by a mutex.
inline try_condition() {
    atomic {
        if
        :: condition != 0 -> condition--; mine = 1
        :: else
        fi
    }
}

proctype waiter() {
    byte ticket;
    bit mine;
    do
    :: try_condition();
        if
        :: mine -> break
        :: else
        fi;
#ifdef BUG_LATE_WAITER
        ticket = epoch;
        try_condition();
        waiters++;
#else
        waiters++;
        ticket = epoch;
#ifndef BUG_NO_SECOND_LOOK
        try_condition();
#endif
#endif
        if
        :: mine -> waiters--; break
        :: else
        fi;
        do
        :: epoch == ticket -> park(ticket)
        :: else -> break
        od;
        waiters--
    od
}

proctype notifier(byte count) {
    do
    :: count == 0 -> break
    :: else ->
        count--;
        condition++;
        if
        :: waiters != 0 ->
#ifndef BUG_NO_NEW_EPOCH
            epoch = (epoch + 1) % 8;
#endif
            unpark_all()
        :: else
        fi
    od
}

init {
    atomic {
        run waiter();
        run waiter();
        run waiter();
        run notifier(3)
    };
    (_nr_pr == 1)
}
