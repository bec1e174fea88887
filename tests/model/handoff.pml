/* SPDX-License-Identifier: MIT */
/*
 * The pool's words, attention and line (src/pool: word.h, lease.c, endpoint.c, waiter.c) in Promela:
 * every interleaving of threads that acquire and release, one of which may give up, and of a switch
 * of versions. tools/check-model runs it with spin.
 *
 * Each statement is one sequentially consistent access of the C code, or one that needs no order
 * because the lock is held. What is left out: time (a waiter may have grown old whenever somebody
 * looks), the driver's calls (opening ends whenever it likes), and everything without a race.
 *
 * Shown: no lost wake-up (the run has no invalid end state), no double grant (GRANTED twice), no
 * two owners, no lease of an old version that begins after the switch.
 *
 *     -DCANCEL     thread 0 may give up while it waits
 *     -DSTRICT     nobody yields
 *     -DBROKEN=N   leave out what the model must miss, so that it is seen to look
 */
#ifndef BROKEN
#define BROKEN 0
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef THREADS
#define THREADS 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define NUDGES_MAX 2
#define NOBODY     255

/* What the words say; HELD with a version of 0 is a free one, to be opened. */
#define HELD     0
#define IDLE     1
#define LEASED   2
#define RECALLED 3 /* leased, and to be returned through the lock */

/* What became of an acquire. */
#define OUT     0
#define WAITING 1
#define GRANTED 2
#define FAILED  3

byte word[SLOTS];    /* state */
byte version[SLOTS]; /* what it was opened with */
byte owner[SLOTS];   /* ghost: who uses it */
bool queue, settles; /* attention */
bool lock;
byte serving = 1;
byte published = 1; /* ghost: the version that was serving when the lock was last let go */

byte line[THREADS]; /* oldest first */
byte waiting;
byte state[THREADS], granted[THREADS];
bool old[THREADS], nudged[THREADS];
bool call[THREADS], told[THREADS]; /* to be woken when the lock is let go; woken */
byte nudges;

inline take_lock()
{
    atomic { !lock -> lock = true }
}

/* What was put aside is told after the lock was let go. */
inline let_go()
{
    atomic {
        published = serving;
        lock = false;
        k = 0;
        do
        :: k < THREADS -> told[k] = told[k] || call[k]; call[k] = false; k++
        :: else -> break
        od;
        k = 0;
        idle = 0;
        oldest = 0
    }
}

/* The line without its j-th, with the lock held. */
inline leave(j)
{
    atomic {
        k = j;
        do
        :: k + 1 < waiting -> line[k] = line[k + 1]; k++
        :: else -> break
        od;
        waiting--;
        line[waiting] = 0;
        k = 0
    }
}

inline unnudge(t)
{
    atomic {
        if
        :: nudged[t] -> nudged[t] = false; nudges--
        :: else
        fi
    }
}

/* conn_claim over all live ones: found is SLOTS if there is none. */
inline claim()
{
    found = 0;
    do
    :: found == SLOTS -> break
    :: else ->
        atomic {
            if
            :: word[found] == IDLE ->
#if BROKEN != 6 /* a claim is no swap */
                word[found] = HELD;
#endif
                break
            :: else -> found++
            fi
        }
    od
}

inline grant()
{
    atomic {
        oldest = line[0];
        assert(state[oldest] == WAITING);
        state[oldest] = GRANTED;
        granted[oldest] = found;
        assert(version[found] == serving);
        word[found] = LEASED
    };
    unnudge(oldest);
    leave(0)
}

/* So many of the oldest as there are idle ones are woken. */
inline invite()
{
    idle = 0;
    found = 0;
    do
    :: found < SLOTS -> idle = idle + (word[found] == IDLE -> 1 : 0); found++
    :: else -> break
    od;
    found = 0;
    do
    :: found < waiting && nudges < idle && nudges < NUDGES_MAX ->
        atomic {
            if
            :: !nudged[line[found]] ->
                nudged[line[found]] = true;
                call[line[found]] = true;
                nudges++
            :: else
            fi;
            found++
        }
    :: else -> break
    od
}

/* Does the oldest let others take an idle one before it? It may have grown old meanwhile. */
inline look_at_oldest()
{
    atomic {
        oldest = line[0];
#ifdef STRICT
        old[oldest] = true
#else
        if
        :: skip
        :: old[oldest] = true
        fi
#endif
    }
}

/* endpoint_settle: attention first, then the words, then what is still wanted. */
inline settle(awake)
{
#if BROKEN != 1 /* look first */
    if
    :: waiting > 0 -> atomic { queue = true; settles = true }
    :: else
    fi;
#endif
    do
    :: waiting == 0 -> break
    :: else ->
        look_at_oldest();
        if
        :: oldest != awake && !old[oldest] -> invite(); break
        :: else ->
            claim();
            if
            :: found == SLOTS -> break
            :: else -> grant()
            fi
        fi
    od;
    atomic {
        if
        :: waiting == 0 -> queue = false; settles = false
        :: waiting > 0 && old[line[0]] -> queue = true; settles = true
        :: else -> queue = false; settles = (nudges < NUDGES_MAX)
        fi
    }
}

/* ---- A thread that acquires and releases ----------------------------------------------------- */

inline fast()
{
    found = SLOTS;
    if
    :: queue -> skip
    :: else ->
        found = 0;
        do
        :: found == SLOTS -> break
        :: else ->
            atomic {
                if
                :: word[found] == IDLE -> word[found] = LEASED; break
                :: else -> found++
                fi
            }
        od
    fi
}

inline stand_in_line()
{
    take_lock();
    atomic {
        state[me] = WAITING;
        old[me] = false;
        told[me] = false;
        line[waiting] = me;
        waiting++
    };
    settle(me);
    let_go();
    do
    :: state[me] != WAITING -> break
    :: told[me] && state[me] == WAITING ->
        told[me] = false;
        take_lock();
#if BROKEN != 5 /* a waiter that looked still counts as woken */
        unnudge(me);
#endif
        if
        :: state[me] == WAITING -> settle(me)
        :: else
        fi;
        let_go()
#ifdef CANCEL
    :: me == 0 && state[me] == WAITING ->
        take_lock();
        if
        :: state[me] == WAITING ->
            unnudge(me);
            atomic {
                state[me] = FAILED;
                place = 0;
                do
                :: line[place] != me -> place++
                :: else -> break
                od
            };
            leave(place);
            place = 0;
#if BROKEN != 3 /* a wake-up is lost with the waiter that gives up */
            settle(NOBODY)
#endif
        :: else
        fi;
        let_go();
        break
#endif
    od;
    atomic {
        found = (state[me] == GRANTED -> granted[me] : SLOTS);
        state[me] = OUT;
        granted[me] = 0;
        old[me] = false;
        told[me] = false
    }
}

/* The version a lease carries may be old only if the acquire began before the switch. */
inline use()
{
    atomic {
        assert(owner[found] == NOBODY);
        owner[found] = me;
        assert(version[found] >= begun)
    };
    atomic {
        assert(owner[found] == me);
        owner[found] = NOBODY
    }
}

inline give_back()
{
    atomic {
        swapped = (word[found] == LEASED);
        if
        :: swapped -> word[found] = IDLE
        :: else -> assert(word[found] == RECALLED)
        fi
    };
    if
    :: swapped && !settles -> skip
    :: swapped && settles ->
#if BROKEN == 2 /* a return looks for nobody */
        skip
#else
        take_lock();
        settle(NOBODY);
        let_go()
#endif
    :: else ->
        take_lock();
        atomic {
            word[found] = HELD;
            if
            :: version[found] == serving -> word[found] = IDLE
            :: else -> version[found] = 0
            fi
        };
        settle(NOBODY);
        let_go()
    fi
}

proctype thread(byte me)
{
    byte found, oldest, idle, k, begun, place, rounds = 0;
    bool swapped;

    do
    :: rounds == ROUNDS -> break
    :: else ->
        begun = published;
        fast();
        if
        :: found == SLOTS -> stand_in_line()
        :: else
        fi;
        if
        :: found < SLOTS -> use(); give_back()
        :: else
        fi;
        atomic { found = 0; begun = 0; swapped = false; rounds++ }
    od
}

/* ---- The keeper: opens what is free ---------------------------------------------------------- */

inline open(at)
{
    take_lock();
    atomic {
        assert(version[at] == 0 && word[at] == HELD);
        version[at] = serving;
        word[at] = IDLE
    };
    settle(NOBODY);
    let_go()
}

/* It rests when there is nothing to open, so that others who wait for ever are seen to. */
active proctype keeper()
{
    byte found, oldest, idle, k;

end:
    do
    :: version[0] == 0 -> open(0)
#if SLOTS > 1
    :: version[1] == 0 -> open(1)
#endif
    od
}

/* ---- A change of the configuration ----------------------------------------------------------- */

/* conn_recall: an idle one is claimed and closed, a leased one will come back through the lock. */
inline recall(at)
{
    do
    :: version[at] == 0 || version[at] == 2 || word[at] == RECALLED -> break
    :: else ->
        atomic {
            if
            :: word[at] == IDLE -> word[at] = HELD; version[at] = 0; break
#if BROKEN != 4 /* what is out stays what it was */
            :: word[at] == LEASED -> word[at] = RECALLED; break
#endif
            :: else -> break
            fi
        }
    od
}

active proctype switcher()
{
    byte found, oldest, idle, k, at = 0;

    take_lock();
    do
    :: at < SLOTS -> recall(at); at++
    :: else -> break
    od;
    serving = 2;
    settle(NOBODY);
    let_go()
}

init
{
    byte i = 0;

    atomic {
        do
        :: i < SLOTS -> owner[i] = NOBODY; i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < THREADS -> run thread(i); i++
        :: else -> break
        od
    }
}
