/* SPDX-License-Identifier: MIT */
/*
 * Owns: the watched sockets' deadlines and the one thread that waits for them.
 * Never does: close a descriptor; it is open until watchdog_clear has returned.
 * Lock: its own, under which shutdown(2), which does not block, is called.
 */
#include "watchdog.h"

#include <pthread.h>
#include <sys/socket.h>

#include <weir/error.h>

#include "clock.h"
#include "cond.h"

#define LEAVE_AFTER (10 * CLOCK_SECOND) /* without anything to watch */

static struct {
    pthread_once_t once;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct list watched;
    int64_t waits_until; /* the thread's next look, unless it is woken */
    bool running;
} kennel = {.once = PTHREAD_ONCE_INIT,
            .mutex = PTHREAD_MUTEX_INITIALIZER,
            .watched = {&kennel.watched, &kennel.watched}};

static void init(void)
{
    cond_init(&kennel.changed);
}

/* Bite where it is due. The time of the next that will be. */
static int64_t look(int64_t now)
{
    int64_t next = CLOCK_NEVER;

    list_each_safe(link, &kennel.watched) {
        struct watchdog *watchdog = list_entry(link, struct watchdog, link);
        if (watchdog->bitten)
            continue;
        if (now < watchdog->deadline) {
            next = clock_min(next, watchdog->deadline);
            continue;
        }
        watchdog->bitten = true;
        shutdown(watchdog->fd, SHUT_RDWR);
    }
    return next;
}

static void *watch(void *nothing)
{
    int64_t idle_since = clock_now();

    (void)nothing;
    pthread_mutex_lock(&kennel.mutex);
    for (;;) {
        int64_t now = clock_now(), next = look(now);
        if (!list_empty(&kennel.watched))
            idle_since = now;
        else if (now - idle_since >= LEAVE_AFTER)
            break;
        kennel.waits_until = clock_min(next, clock_add(now, LEAVE_AFTER));
        cond_wait_until(&kennel.changed, &kennel.mutex, kennel.waits_until);
    }
    kennel.running = false;
    pthread_mutex_unlock(&kennel.mutex);
    return NULL;
}

static bool start(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    kennel.waits_until = 0;
    bool started = pthread_create(&thread, &attributes, watch, NULL) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

int watchdog_set(struct watchdog *watchdog, int fd, int64_t deadline)
{
    int status = 0;

    pthread_once(&kennel.once, init);
    *watchdog = (struct watchdog){.fd = fd, .deadline = deadline};
    list_init(&watchdog->link);
    pthread_mutex_lock(&kennel.mutex);
    if (!kennel.running)
        kennel.running = start();
    if (kennel.running)
        list_push_back(&kennel.watched, &watchdog->link);
    else
        status = WEIR_ENOMEM;
    if (deadline < kennel.waits_until)
        pthread_cond_signal(&kennel.changed);
    pthread_mutex_unlock(&kennel.mutex);
    return status;
}

bool watchdog_clear(struct watchdog *watchdog)
{
    pthread_mutex_lock(&kennel.mutex);
    list_remove(&watchdog->link);
    bool bitten = watchdog->bitten;
    pthread_mutex_unlock(&kennel.mutex);
    return bitten;
}
