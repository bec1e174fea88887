/* SPDX-License-Identifier: MIT */
/*
 * Acquiring without a thread that waits: for event loops.
 *
 * A request stands in the same line as every other acquire. When it is over, it is put into a
 * queue of completions, whose descriptor becomes readable; the loop that watches the descriptor
 * then dispatches, and the callbacks run there and nowhere else:
 *
 *     weir_completions_new(&completions, &error);
 *     epoll_ctl(loop, EPOLL_CTL_ADD, weir_completions_fd(completions), &(struct epoll_event){...});
 *     weir_acquire_async(registry, "orders", NULL, deadline, completions, acquired, self, NULL,
 * &error);
 *     ... readable: weir_completions_dispatch(completions) calls acquired(self, ...)
 *
 * Something must tick and work for the registry as always (see weir/registry.h); the deadline of a
 * request is kept by weir_registry_tick.
 */
#ifndef WEIR_ASYNC_H
#define WEIR_ASYNC_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/export.h>
#include <weir/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_REQUESTS_MAX 65536 /* requests of one queue that are not over */
#define WEIR_DISPATCH_MAX 256   /* callbacks of one dispatch */

struct weir_completions;
struct weir_request;

/*
 * Told once what became of a request: status 0 and a lease to be copied, which is the callee's to
 * release; or one of the statuses of weir_acquire, lease NULL, and the operator's detail. lease and
 * error are borrowed for the call. May call everything but dispatch and weir_completions_free.
 */
typedef void weir_acquired(void *context, int status, const struct weir_lease *lease,
                           const struct weir_error *error);

/*
 * A queue of completions, for the requests of any number of registries. *out is owned by the
 * caller. WEIR_ERESOURCE if no descriptor can be had.
 */
WEIR_EXPORT int weir_completions_new(struct weir_completions **out, struct weir_error *error);

/*
 * The descriptor to watch: readable whenever there is something to dispatch. Good until
 * weir_completions_free; to be watched only, neither read nor closed.
 */
WEIR_EXPORT int weir_completions_fd(const struct weir_completions *completions);

/*
 * Call the callbacks of what is over, in the order it ended, at most WEIR_DISPATCH_MAX; how many.
 * If more are left, the descriptor is readable again. One thread at a time.
 */
WEIR_EXPORT unsigned weir_completions_dispatch(struct weir_completions *completions);

/*
 * Cancel all requests that are not over: their callbacks are never called, what had been granted
 * goes to the next in line. When this returns no callback runs or follows, and no lease of theirs
 * is held. Must not run beside dispatch or weir_acquire_async. Their handles stay valid until they
 * are given back. *completions becomes NULL; NULL is accepted.
 */
WEIR_EXPORT void weir_completions_free(struct weir_completions **completions);

/*
 * Borrow a backend connection of `name` as weir_acquire does, but return at once. With 0 the
 * callback is called exactly once, by a dispatch and never from within this function, unless the
 * request is cancelled before. Anything else (WEIR_ENOMEM; WEIR_ELIMIT: WEIR_REQUESTS_MAX are not
 * over) means that there is no request. Works with every clock.
 *
 * out may be NULL. If it is not, *out is set before the callback can be called, and is the
 * caller's, to be given back with weir_request_cancel, before or after the callback.
 */
WEIR_EXPORT int weir_acquire_async(struct weir_registry *registry, const char *name,
                                   struct weir_pin *pin, int64_t deadline,
                                   struct weir_completions *completions, weir_acquired *callback,
                                   void *context, struct weir_request **out,
                                   struct weir_error *error);

/*
 * Give the handle of a request back, from any thread and from within any callback, and cancel the
 * request if it can be: true: its callback has not been called and never will be, what it had been
 * granted goes to the next in line. False: the callback was called, or runs just now (its own
 * handle, given back from within it, or another thread's dispatch). *request becomes NULL; NULL is
 * accepted, and false. Before weir_registry_free, unless the request is over.
 */
WEIR_EXPORT bool weir_request_cancel(struct weir_request **request);

#ifdef __cplusplus
}
#endif

#endif
