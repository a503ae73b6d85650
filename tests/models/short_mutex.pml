// SPDX-License-Identifier: BSL-1.0
// short_mutex.pml: the mutex of core/short_mutex.hpp, for Spin. A lost wake-up is a thread that never
// ends. Each BUG_ takes one thing away, and must be found: check.py.

#define THREADS 3
#define FREE 0
#define LOCKED 1
#define CONTENDED 2

byte word = FREE;
byte inside;              // threads that hold the mutex
bit asleep[THREADS + 1];  // the kernel; init is number 0

inline park() {
    atomic {
        if
        :: word == CONTENDED -> asleep[_pid] = 1
        :: else
        fi
    }
    asleep[_pid] == 0 /* spurious wake-ups only lead to one more look */
}
inline unpark_one() {
    atomic {
        if
        :: asleep[1] -> asleep[1] = 0
        :: asleep[2] -> asleep[2] = 0
        :: asleep[3] -> asleep[3] = 0
        :: else
        fi
    }
}
#ifdef BUG_TAKES_AS_LOCKED
#define WOKEN_TAKES LOCKED /* forgets that others may sleep as well */
#else
#define WOKEN_TAKES CONTENDED
#endif

proctype user(byte rounds) {
    byte before;
    do
    :: rounds == 0 -> break
    :: else ->
        rounds--;
        if
        :: atomic { word == FREE -> word = LOCKED }
        :: word != FREE ->
            do
            :: atomic {
                    before = word;
                    if
                    :: before == FREE -> word = WOKEN_TAKES
                    :: else -> word = CONTENDED
                    fi
                };
                if
                :: before == FREE -> break
                :: else -> park()
                fi
            od
        fi;
        inside++;
        assert(inside == 1);
        inside--;
        atomic { before = word; word = FREE };
#ifdef BUG_NO_WAKE
        skip
#else
        if
        :: before == CONTENDED -> unpark_one()
        :: else
        fi
#endif
    od
}

init {
    atomic {
        run user(2);
        run user(2);
        run user(2)
    };
    (_nr_pr == 1)
}
