// SPDX-License-Identifier: BSL-1.0
// mailbox.pml: how letters reach a loop that may be asleep, as in async/mailbox.hpp, for Spin. A lost
// wake-up is a loop that never ends. Each BUG_ takes one thing away, and must be found: check.py.

#define SENDERS 3
#define LETTERS 2  // of each

// The box: empty, marked asleep, or so many letters.
byte letters;
bit asleep;
bit edge;  // the eventfd, edge-triggered: an event that epoll has not told yet
byte delivered;

inline wake() { edge = 1 }

proctype sender() {
    byte left = LETTERS;
    bit was_asleep;
    do
    :: left == 0 -> break
    :: else ->
        left--;
#ifdef BUG_LOOK_THEN_POST
        was_asleep = asleep;
        atomic { asleep = 0; letters++ };
#else
        atomic { was_asleep = asleep; asleep = 0; letters++ };
#endif
        if
#ifndef BUG_NO_WAKE
        :: was_asleep -> wake()
#endif
        :: !was_asleep
        :: else
        fi
    od
}

proctype loop() {
    bit may_sleep;
    do
    :: delivered == SENDERS * LETTERS -> break
    :: else ->
        // fall_asleep()
#ifdef BUG_SLEEPS_ON_LETTERS
        atomic { may_sleep = 1; asleep = (letters == 0) };
#else
        atomic {
            may_sleep = (letters == 0);
            if
            :: may_sleep -> asleep = 1
            :: else
            fi
        };
#endif
        // epoll_wait: an edge that is there ends it at once, and is told once
        if
        :: may_sleep -> atomic { edge == 1 -> edge = 0 }
        :: !may_sleep -> d_step { edge = 0 }
        fi;
        // open()
        atomic { delivered = delivered + letters; letters = 0; asleep = 0 }
    od
}

init {
    atomic {
        run sender();
        run sender();
        run sender();
        run loop()
    };
    (_nr_pr == 1)
}
