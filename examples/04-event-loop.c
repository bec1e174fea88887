/* SPDX-License-Identifier: MIT */
/* One thread, an epoll loop, a hundred jobs, four connections: no acquire blocks the loop. */
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "toy.h"

#define JOBS 100

struct loop {
    struct weir_registry *registry;
    struct weir_completions *completions;
    int epoll, timer, busy, done, turns;
    struct weir_lease leases[JOBS]; /* the first `busy` of them are held */
};

/* Called by the dispatch below, on this thread; the lease is ours from here on. */
static void acquired(void *context, int status, const struct weir_lease *lease,
                     const struct weir_error *error)
{
    struct loop *loop = context;

    if (status == 0)
        loop->leases[loop->busy++] = *lease;
    else
        fprintf(stderr, "%s: %s\n", weir_strerror(status), error->detail);
    loop->done += status != 0;
}

/* A job takes until the next tick of the clock; what is given back goes to the next in line. */
static void finish_jobs(struct loop *loop)
{
    loop->done += loop->busy;
    while (loop->busy > 0)
        weir_release(loop->registry, &loop->leases[--loop->busy], 0);
}

static void turn(struct loop *loop)
{
    struct epoll_event event;
    uint64_t ticks;

    loop->turns++;
    if (epoll_wait(loop->epoll, &event, 1, -1) != 1)
        return;
    if (event.data.fd != loop->timer)
        weir_completions_dispatch(loop->completions);
    else if (read(loop->timer, &ticks, sizeof(ticks)) > 0)
        finish_jobs(loop);
}

int main(void)
{
    const struct itimerspec every_ms = {{.tv_nsec = 1000000}, {.tv_nsec = 1000000}};
    struct weir_error error = {.detail = ""};
    struct weir_keeper *keeper = NULL;
    struct loop loop = {.epoll = epoll_create1(0), .timer = timerfd_create(CLOCK_MONOTONIC, 0)};
    int failed = toy_begin(&loop.registry, &keeper, &toy_driver, &error) ||
                 toy_configure(loop.registry, "toy", "word", "looped", &error) ||
                 weir_completions_new(&loop.completions, &error);

    for (int i = 0; i < JOBS && !failed; i++)
        failed = weir_acquire_async(loop.registry, "example", NULL, weir_now() + 20 * SECOND,
                                    loop.completions, acquired, &loop, NULL, &error);
    if (!failed) {
        int fd = weir_completions_fd(loop.completions);
        struct epoll_event timer = {EPOLLIN, {.fd = loop.timer}}, completed = {EPOLLIN, {.fd = fd}};
        timerfd_settime(loop.timer, 0, &every_ms, NULL);
        epoll_ctl(loop.epoll, EPOLL_CTL_ADD, loop.timer, &timer);
        epoll_ctl(loop.epoll, EPOLL_CTL_ADD, fd, &completed);
    }
    while (!failed && loop.done < JOBS)
        turn(&loop);
    printf("%d jobs done in %d turns of the loop\n", loop.done, loop.turns);
    weir_completions_free(&loop.completions);
    return toy_end(&loop.registry, &keeper, failed ? error.status : 0, &error);
}
