// SPDX-License-Identifier: BSL-1.0
// wait_side.pml: how the users of a queue wait (sync/wait_side.hpp, sync/queue_core.hpp), for Spin.
//
// Every interleaving of some producers and consumers is tried. A lost wake-up is a process that
// never ends, which Spin calls an invalid end state. Each BUG_ takes one thing away, and must be
// found: check.py.
//
//   LATE    each consumer takes one item; the time of one may run out.
//   STOPS   each consumer takes one item; one may be stopped, and takes none then.
//   CLOSES  producers push, somebody closes at any moment, consumers drain.
//
// What a consumer leaves behind fits into the queue, so everybody else must come through.

#ifdef LATE
#define CAPACITY 2
#else
#define CAPACITY 1
#endif
#define PROCESSES 7 /* init is number 0 */
#define ITEMS 0     /* the side of the consumers */
#define ROOM 1      /* the side of the producers */

bit mutex;
// guarded by the mutex
byte items;
bit closed;
byte sleeping[2];
bit waking[2];
bit wanted;
byte accepted, taken;
// written under the mutex, read by the kernel for those about to sleep
byte word[2];
// set before anybody is told
bit stop;
// The kernel: 0 for a thread that runs, 1 + side for one that sleeps on that word.
byte asleep[PROCESSES];

inline lock() { atomic { mutex == 0 -> mutex = 1 } }

// Sleeps unless the word has changed. Whoever is impatient may wake up by itself.
inline park(side, ticket, impatient) {
    atomic {
        if
        :: word[side] == ticket -> asleep[_pid] = 1 + side
        :: else
        fi
    }
    if
    :: atomic { asleep[_pid] == 0 -> skip }
    :: atomic { impatient && asleep[_pid] != 0 -> asleep[_pid] = 0; late = 1 }
    fi
}

// Wakes any one of those that sleep there.
inline unpark_one(side) {
    atomic {
        if
        :: asleep[1] == 1 + side -> asleep[1] = 0
        :: asleep[2] == 1 + side -> asleep[2] = 0
        :: asleep[3] == 1 + side -> asleep[3] = 0
        :: asleep[4] == 1 + side -> asleep[4] = 0
        :: asleep[5] == 1 + side -> asleep[5] = 0
        :: else
        fi
    }
}
inline unpark_all(side) {
    d_step {
        for (i : 0 .. PROCESSES - 1) {
            if
            :: asleep[i] == 1 + side -> asleep[i] = 0
            :: else
            fi
        }
        i = 0
    }
}

#ifdef BUG_NO_ADVANCE
#define ADVANCE(side) skip
#else
#define ADVANCE(side) word[side] = (word[side] + 1) % 8
#endif

// wait_side::wake_one
inline plan(side, condition, wake) {
    if
    :: (condition) && sleeping[side] != 0 && waking[side] == 0 ->
        waking[side] = 1;
        ADVANCE(side);
        wake = 1
    :: else -> wake = 0
    fi
}

#define wants(side) (sleeping[side] != 0 && waking[side] == 0)

// queue_core::unlock: the promise that every unlocking keeps. Where nobody wants to be woken, it
// looks at no side.
inline unlock() {
    atomic {
        wake_items = 0;
        wake_room = 0;
        if
        :: wanted ->
            plan(ITEMS, items != 0 || closed, wake_items);
            plan(ROOM, items < CAPACITY || closed, wake_room);
            wanted = wants(ITEMS) || wants(ROOM)
        :: else
        fi;
        mutex = 0
    }
    if
    :: wake_items -> unpark_one(ITEMS)
    :: else
    fi;
    if
    :: wake_room -> unpark_one(ROOM)
    :: else
    fi
}
#ifdef BUG_NO_CHAIN
// A consumer does not wake the next, though something is left.
inline unlock_after_pop() {
    atomic {
        plan(ROOM, items < CAPACITY || closed, wake_room);
        mutex = 0
    }
    if
    :: wake_room -> unpark_one(ROOM)
    :: else
    fi
}
#else
#define unlock_after_pop unlock
#endif
#ifdef BUG_GIVES_UP_SILENTLY
#define unlock_giving_up() mutex = 0
#else
#define unlock_giving_up unlock
#endif

inline wake_all() {
    atomic {
        if
        :: sleeping[ITEMS] != 0 -> ADVANCE(ITEMS)
        :: else
        fi;
        if
        :: sleeping[ROOM] != 0 -> ADVANCE(ROOM)
        :: else
        fi;
        mutex = 0
    }
#ifndef BUG_NO_WAKE_ALL
    unpark_all(ITEMS);
    unpark_all(ROOM)
#endif
}

// The body of queue_core::wait, with the mutex held before and after.
inline wait_on(side, impatient) {
    sleeping[side]++;
#ifndef BUG_WANTS_NOTHING
    wanted = 1;
#endif
#ifdef BUG_LATE_TICKET
    unlock();
    ticket = word[side];
#else
    ticket = word[side];
    unlock();
#endif
    park(side, ticket, impatient);
    lock();
    sleeping[side]--;
#ifndef BUG_TOKEN_KEPT
    waking[side] = 0;
#endif
#ifndef BUG_FORGETS_OTHERS
    wanted = 1
#endif
}

proctype producer(byte count) {
    byte ticket, i;
    bit wake_items, wake_room, late;
    do
    :: count == 0 -> break
    :: else ->
        lock();
        do
        :: closed || items < CAPACITY -> break
        :: else -> wait_on(ROOM, 0)
        od;
        if
        :: closed -> unlock(); break
        :: else ->
            items++;
            accepted++;
            count--;
            unlock()
        fi
    od
}

proctype consumer(bit once, impatient, stoppable) {
    byte ticket, i;
    bit wake_items, wake_room, late;
    do
    :: lock();
        do
        :: stoppable && stop -> goto gives_up
        :: !(stoppable && stop) && (items != 0 || closed || late) -> break
        :: else -> wait_on(ITEMS, impatient)
        od;
        if
        :: items != 0 ->
            items--;
            taken++;
            unlock_after_pop();
            if
            :: once -> goto done
            :: else
            fi
        :: else -> goto gives_up
        fi
    od;
gives_up:
    unlock_giving_up();
done:
    skip
}

// close() and a stop: both wake all.
proctype closer(bit closes) {
    byte i;
    if
    :: closes ->
        lock();
        closed = 1;
        wake_all()
    :: else ->
        atomic { stop = 1 };
        lock();
        wake_all()
    fi
}

init {
    atomic {
#ifdef LATE
        run consumer(1, 1, 0);
        run consumer(1, 0, 0);
        run producer(1);
        run producer(1)
#endif
#ifdef STOPS
        run consumer(1, 0, 1);
        run consumer(1, 0, 0);
        run consumer(1, 0, 0);
        run producer(3);
        run closer(0)
#endif
#ifdef CLOSES
        run consumer(0, 0, 0);
        run consumer(0, 0, 0);
        run producer(1);
        run producer(1);
        run closer(1)
#endif
    };
    (_nr_pr == 1);
    assert(accepted == taken + items);
#ifdef CLOSES
    assert(items == 0)
#endif
}
