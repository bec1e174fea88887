/* SPDX-License-Identifier: MIT */
/*
 * Owns: the book of acquires and the checks of I1 to I23 that one thread can make.
 * Never does: change the pool. Lock: none; one thread.
 */
#include "invariants.h"

#include <string.h>

#include "clock.h"
#include "settings.h"
#include "word.h"

struct book book;

static void check(bool holds, const char *rule, const char *what)
{
    if (!holds)
        fake_violation(rule, what);
}

void book_open(struct weir_registry *registry)
{
    memset(&book, 0, sizeof(book));
    book.registry = registry;
    (void)weir_completions_new(&book.completions, NULL); /* or NULL, where memory is short */
}

/* ---- Acquires -------------------------------------------------------------------------------- */

/* I6: of those in the same line, none that came earlier may still be waiting. */
static void check_order(const struct entry *granted)
{
    for (size_t i = 0; i < BOOK_WAITERS_MAX; i++) {
        const struct entry *entry = &book.entries[i];
        if (entry->state == ENTRY_WAITING && entry != granted &&
            entry->waiter->state == WAITER_WAITING &&
            entry->waiter->endpoint == granted->waiter->endpoint)
            check(entry->order > granted->order, "I6", "a later acquire overtook an earlier one");
    }
}

/* The lease an entry stands for: its caller's, or one its caller was not told of yet. */
static const void *leased_by(const struct entry *entry)
{
    if (entry->state == ENTRY_HELD)
        return entry->lease.conn;
    return entry->state == ENTRY_WAITING && entry->completions > 0 ? entry->waiter->lease.conn
                                                                   : NULL;
}

static void check_grant(struct entry *entry)
{
    const struct weir_lease *lease = &entry->waiter->lease;
    const struct endpoint *endpoint = entry->waiter->endpoint;
    const struct version *serving = endpoint_serving(endpoint);
    const struct fake_conn *conn = lease->conn;

    for (size_t i = 0; i < BOOK_WAITERS_MAX; i++)
        check(&book.entries[i] == entry || leased_by(&book.entries[i]) != conn, "I1",
              "one backend connection was leased twice");
    check(conn->magic == FAKE_MAGIC && conn->up && !conn->interrupted, "I9",
          "a lease of a backend connection that is not open");
    /* The last grant of a removed connection may be followed at once by its end. */
    check(serving == NULL ? endpoint->removed : serving->number == lease->version, "I7",
          "a lease carries a version that does not serve");
    check(serving == NULL || settings_same_kin(conn->settings, serving->settings), "I7",
          "a lease was opened with other settings than those that serve");
    check(!endpoint->paused, "I24", "a grant while the connection is paused");
    if (!entry->taken)
        check_order(entry);
}

/*
 * I6: whoever takes an idle one without standing in line may overtake the oldest waiter only while
 * that one is young, or has been woken and is about to look for itself.
 */
static void check_overtaking(const struct endpoint *endpoint)
{
    const struct list *oldest = list_first(&endpoint->waiters);

    if (oldest == NULL)
        return;
    const struct waiter *waiter = list_entry(oldest, struct waiter, link);
    check(waiter->nudge != NULL, "I6", "one that cannot look for itself was overtaken");
    check(fake.now - waiter->since < POOL_BARGE || endpoint->nudged > 0, "I6",
          "one that has waited for long was overtaken");
}

/* The pool is done with it. */
static void note_completion(struct entry *entry)
{
    check(++entry->completions == 1, "I5", "an acquire was completed twice");
    check(!book.closed || entry->waiter->status != 0, "I17", "a grant after close");
    if (entry->waiter->status == 0) {
        check_grant(entry);
        book.granted++;
    } else {
        book.failed++;
        book.counted.timeouts += entry->waiter->status == WEIR_ETIMEOUT;
        book.counted.refused += entry->waiter->status == WEIR_EWAITERS;
        book.counted.unavailable += entry->waiter->status == WEIR_EUNAVAILABLE;
        book.counted.shed += entry->waiter->status == WEIR_ESHED;
    }
}

/* Its caller is told. */
static void tell(struct entry *entry, int status, const struct weir_lease *lease)
{
    entry->status = status;
    if (status == 0)
        entry->lease = *lease;
    entry->state = status == 0 ? ENTRY_HELD : ENTRY_FREE;
}

static void complete(struct waiter *waiter)
{
    struct entry *entry = list_entry(waiter, struct entry, own);

    note_completion(entry);
    tell(entry, waiter->status, &waiter->lease);
}

/* The retry comes when its thread wakes up: a step of its own. */
static void nudge(struct waiter *waiter)
{
    list_entry(waiter, struct entry, own)->nudged = true;
}

void book_may_look(struct entry *entry)
{
    entry->own.nudge = nudge;
}

static struct entry *new_entry(void)
{
    for (size_t i = 0; i < BOOK_WAITERS_MAX; i++) {
        /* In turn, so that results can be asked for long after. */
        struct entry *entry = &book.entries[(book.order + i) % BOOK_WAITERS_MAX];
        if (entry->state != ENTRY_FREE)
            continue;
        memset(entry, 0, sizeof(*entry));
        entry->state = ENTRY_WAITING;
        entry->order = ++book.order;
        entry->waiter = &entry->own;
        return entry;
    }
    return NULL;
}

struct entry *book_entry(int64_t deadline)
{
    struct entry *entry = new_entry();

    if (entry != NULL) {
        entry->own.deadline = entry->own.until = deadline;
        entry->own.complete = complete;
    }
    return entry;
}

struct entry *book_take(struct endpoint *endpoint)
{
    struct entry *entry = new_entry();

    if (entry == NULL)
        return NULL;
    entry->own.endpoint = endpoint;
    entry->taken = true;
    if (!lease_take(endpoint, ATTENTION_QUEUE, "sim", &entry->own.lease)) {
        entry->state = ENTRY_FREE;
        return NULL;
    }
    check_overtaking(endpoint);
    note_completion(entry);
    tell(entry, 0, &entry->own.lease);
    return entry;
}

/* ---- Acquires: asynchronous and impatient ones ----------------------------------------------- */

static struct entry *entry_of(const struct waiter *waiter)
{
    for (size_t i = 0; i < BOOK_WAITERS_MAX; i++)
        if (book.entries[i].waiter == waiter && book.entries[i].state == ENTRY_WAITING)
            return &book.entries[i];
    fake_violation("I5", "a request that nobody made was completed");
    return NULL;
}

/* In the request's stead: the book sees the grant when it happens, not when it is told. */
static void complete_request(struct waiter *waiter)
{
    struct entry *entry = entry_of(waiter);

    note_completion(entry);
    entry->complete(waiter);
}

static void acquired(void *context, int status, const struct weir_lease *lease,
                     const struct weir_error *error)
{
    struct entry *entry = context;

    check(entry->state == ENTRY_WAITING && entry->completions == 1, "I5",
          "a callback for a request that is over already");
    check(error->status == status && (status == 0) == (lease != NULL), "I5",
          "a callback with a lease and an error, or neither");
    check(book.completions != NULL, "I17", "a callback after the completions were freed");
    tell(entry, status, lease);
    check(!weir_request_cancel(&entry->request), "I5", "cancelled from within its own callback");
    entry->waiter = &entry->own;
}

struct entry *book_async(const char *name, struct weir_pin *pin, int64_t deadline)
{
    struct entry *entry = new_entry();

    if (entry == NULL)
        return NULL;
    if (book.completions == NULL) {
        tell(entry, WEIR_ENOMEM, NULL);
        return entry;
    }
    int status = weir_acquire_async(book.registry, name, pin, deadline, book.completions, acquired,
                                    entry, &entry->request, NULL);
    if (status != 0) {
        tell(entry, status, NULL);
        return entry;
    }
    check(entry->state == ENTRY_WAITING, "I5", "a callback from within weir_acquire_async");
    entry->waiter = &entry->request->waiter;
    entry->complete = entry->waiter->complete;
    entry->waiter->complete = complete_request;
    if (entry->waiter->state == WAITER_DONE)
        note_completion(entry);
    return entry;
}

struct entry *book_try(const char *name, struct weir_pin *pin)
{
    struct entry *entry = new_entry();

    if (entry == NULL)
        return NULL;
    int status = weir_try_acquire(book.registry, name, pin, &entry->lease, NULL);
    entry->own.status = status;
    entry->own.lease = entry->lease;
    entry->own.endpoint = registry_find(book.registry, name, pin);
    entry->own.state = WAITER_DONE;
    note_completion(entry);
    tell(entry, status, &entry->own.lease);
    return entry;
}

bool book_cancel(struct entry *entry)
{
    if (entry->state != ENTRY_WAITING)
        return false;
    if (entry->request == NULL)
        return waiter_cancel(book.registry, entry->waiter, WEIR_ECANCELED);
    entry->waiter->complete = entry->complete; /* what follows is no completion */
    book.failed += entry->completions == 0;
    entry->state = ENTRY_FREE;
    entry->status = WEIR_ECANCELED;
    entry->waiter = &entry->own;
    return weir_request_cancel(&entry->request);
}

unsigned book_dispatch(void)
{
    unsigned total = 0, count;

    while (book.completions != NULL && (count = weir_completions_dispatch(book.completions)) > 0)
        total += count;
    return total;
}

void book_close_completions(void)
{
    struct weir_completions *completions = book.completions;

    book.completions = NULL;
    for (size_t i = 0; i < BOOK_WAITERS_MAX; i++) {
        struct entry *entry = &book.entries[i];
        if (entry->state == ENTRY_WAITING && entry->request != NULL && i % 2 == 0)
            check(book_cancel(entry), "I5", "a request that is not over cannot be cancelled");
    }
    for (size_t i = 0; i < BOOK_WAITERS_MAX; i++) {
        struct entry *entry = &book.entries[i];
        if (entry->state == ENTRY_WAITING && entry->request != NULL)
            entry->waiter->complete = entry->complete;
    }
    weir_completions_free(&completions);
    for (size_t i = 0; i < BOOK_WAITERS_MAX; i++) {
        struct entry *entry = &book.entries[i];
        if (entry->state == ENTRY_WAITING && entry->request != NULL)
            check(book_cancel(entry), "I17", "a request outlived its completions");
    }
}

/* ---- Structures ------------------------------------------------------------------------------ */

static unsigned list_count(const struct list *head)
{
    unsigned count = 0;

    list_each(link, head)
        count++;
    return count;
}

static void check_conn(const struct version *version, const struct conn *conn, int state)
{
    uint64_t word = word_state(word_look(&conn->word));

    check((int)conn->state == state, "I3", "a backend connection is in another state's list");
    check((word == WORD_HELD) == (state != CONN_LIVE), "I3", "a word is not what its state asks");
    if (state == CONN_LIVE || state == CONN_STALE || state == CONN_CHECKING) {
        int64_t life = conn->expires_at - conn->opened_at, most = version->limits.max_lifetime;
        check(life <= most && life >= most - most / 5, "I16", "a lifetime is out of its jitter");
    }
    if (version->expired && state == CONN_LIVE)
        check(conn->interrupted, "I9", "a lease outlived its version uninterrupted");
}

static void check_version(const struct version *version, unsigned *live, unsigned *opening)
{
    const struct weir_totals *totals = &version->totals;
    unsigned held = 0;

    for (int state = CONN_FREE + 1; state < CONN_STATES; state++) {
        check(list_count(&version->conns[state]) == version->counts[state], "I3",
              "a count is not what its list holds");
        list_each(link, &version->conns[state])
            check_conn(version, list_entry(link, struct conn, link), state);
        held += version->counts[state];
    }
    check(held == version->held && totals->opened == held + totals->closed, "I3",
          "opened is not idle + leased + opening + closing + closed");
    bool ended =
        version->state == WEIR_VERSION_DEPRECATED || version->state == WEIR_VERSION_REJECTED;
    if (ended)
        check(version_idle(version) + version->counts[CONN_STALE] == 0 ||
                  version->endpoint->waiting > 0,
              "I8", "a version that ended has an idle backend connection");
    if (ended && version != version->endpoint->legacy)
        check(held > 0, "I9", "an empty version was not closed");
    *live += held;
    *opening += version->counts[CONN_OPENING];
}

/* ---- Waiters --------------------------------------------------------------------------------- */

/* I4 and I23: whoever waits, waits for something that is under way. */
static void check_progress(const struct endpoint *endpoint)
{
    const struct version *serving = endpoint_serving(endpoint);

    check(serving != NULL, "I4", "an acquire waits where nothing serves");
    if (serving == NULL || endpoint->paused)
        return;
    unsigned coming = serving->counts[CONN_OPENING] + serving->counts[CONN_CHECKING];
    unsigned attention = atomic_load(&endpoint->attention);

    check((attention & ATTENTION_RETURN) || endpoint->nudged > 0, "I4",
          "nobody would see a return that an acquire waits for");
    check(version_idle(serving) == 0 || endpoint->nudged > 0, "I4",
          "an acquire waits beside an idle one");
    if (coming >= endpoint->waiting || endpoint->nudged > 0)
        return; /* whoever is waking up takes what is idle, or sees to what is lacking */
    check(serving->counts[CONN_STALE] == 0, "I4", "an acquire waits beside a stale one");
    bool slot = endpoint->held < serving->limits.max;
    bool pause = fake.now < serving->retry_at || (serving->failing && coming > 0);
    check(!slot || pause || endpoint->opening >= POOL_OPENS_MAX, "I23",
          "an acquire waits beside a free slot");
}

static void check_waiters(const struct endpoint *endpoint)
{
    unsigned waiting = 0, nudged = 0;

    for (size_t i = 0; i < BOOK_WAITERS_MAX; i++) {
        const struct entry *entry = &book.entries[i];
        if (entry->state != ENTRY_WAITING || entry->waiter->state != WAITER_WAITING ||
            entry->waiter->endpoint != endpoint)
            continue;
        waiting++;
        nudged += entry->waiter->nudged;
        check(!entry->waiter->nudged || entry->nudged, "I4", "one was woken, and not told");
    }
    check(nudged == endpoint->nudged, "I4", "those woken are not those counted");
    check(waiting == endpoint->waiting && list_count(&endpoint->waiters) == waiting, "I5",
          "the line is not what was entered and did not leave");
    check(waiting == 0 || !book.closed, "I17", "close left somebody waiting");
    if (waiting > 0)
        check_progress(endpoint);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

/* I15: nobody enters the line while it is open, but for a pause. */
static void check_refusals(const struct endpoint *endpoint, int64_t paused_at)
{
    int64_t last = endpoint->breaker.opened_at;

    last = paused_at > last ? paused_at : last;
    for (size_t i = 0; i < BOOK_WAITERS_MAX; i++) {
        const struct entry *entry = &book.entries[i];
        if (entry->state == ENTRY_WAITING && entry->waiter->state == WAITER_WAITING &&
            entry->waiter->endpoint == endpoint)
            check(entry->waiter->since <= last, "I15",
                  "an acquire waits although the breaker is open");
    }
}

/* I15: one attempt for each back-off, while it is open. */
static void check_breaker(const struct endpoint *endpoint)
{
    size_t at = 0;
    const struct version *serving = endpoint_serving(endpoint);
    bool open = endpoint->breaker.opened_at != 0;

    while (at < BOOK_ENDPOINTS_MAX && book.breakers[at].endpoint != endpoint &&
           book.breakers[at].endpoint != NULL)
        at++;
    if (serving == NULL || at == BOOK_ENDPOINTS_MAX)
        return;
    check(!open || breaker_trips(serving), "I15", "the breaker is open, and one could be leased");
    if (endpoint->paused)
        book.breakers[at].paused_at = fake.now;
    if (open)
        check_refusals(endpoint, book.breakers[at].paused_at);
    if (open && book.breakers[at].open && book.breakers[at].version == serving->number) {
        uint64_t begun = serving->totals.opened - book.breakers[at].opened;
        check(begun <= 1, "I15", "several attempts at once while the breaker is open");
        check(begun == 0 || fake.now >= book.breakers[at].retry_at, "I15",
              "an attempt before its time while the breaker is open");
    }
    book.breakers[at].endpoint = endpoint;
    book.breakers[at].version = serving->number;
    book.breakers[at].opened = serving->totals.opened;
    book.breakers[at].retry_at = serving->retry_at;
    book.breakers[at].open = open;
}

/* ---- Everything ------------------------------------------------------------------------------ */

static void check_endpoint(const struct endpoint *endpoint)
{
    unsigned live = 0, opening = 0;

    list_each(link, &endpoint->versions)
        check_version(list_entry(link, struct version, link), &live, &opening);
    check(live == endpoint->held, "I3", "the endpoint's count is not its versions'");
    check(opening == endpoint->opening && opening <= POOL_OPENS_MAX, "I14",
          "too many opens are in flight");
    check(!endpoint->recycle.running || endpoint->recycle.closed <= endpoint->recycle.opened + 1,
          "I25", "recycling closed more than one in advance");
    check_waiters(endpoint);
}

static void check_totals(void)
{
    const struct weir_registry *registry = book.registry;
    struct weir_totals sums = {0};
    uint64_t granted = 0;

    for (size_t i = 0; i < registry->endpoints_count; i++) {
        const struct weir_totals *totals = &registry->endpoints[i]->totals;
        granted += totals->acquired;
        sums.timeouts += totals->timeouts;
        sums.refused += totals->refused;
        sums.unavailable += totals->unavailable;
        sums.shed += totals->shed;
        list_each(link, &registry->endpoints[i]->versions)
            granted += version_unfolded(list_entry(link, struct version, link));
    }
    check(granted == book.granted, "I20", "acquired is not what was granted");
    check(sums.timeouts == book.counted.timeouts && sums.refused == book.counted.refused &&
              sums.unavailable == book.counted.unavailable && sums.shed == book.counted.shed,
          "I20", "failures are not counted as they were told");
    check(registry->bad_releases == book.bad_releases, "I13",
          "bad releases are not all refused and counted");
}

void invariants_check(void)
{
    unsigned held = 0, seen = 0;

    for (size_t i = 0; i < book.registry->endpoints_count; i++) {
        check_endpoint(book.registry->endpoints[i]);
        check_breaker(book.registry->endpoints[i]);
        held += book.registry->endpoints[i]->held;
    }
    for (size_t i = 0; i < FAKE_SERVERS_MAX; i++)
        seen += fake.servers[i].seen;
    check(seen <= held, "I2", "the servers see more than the pool counts");
    check_totals();
}

void invariants_check_drained(void)
{
    invariants_check();
    for (size_t i = 0; i < FAKE_SERVERS_MAX; i++) {
        check(fake.servers[i].seen == 0, "I9", "a backend connection outlived the registry");
        check(fake.servers[i].opens == fake.servers[i].closes, "I9",
              "opens and closes do not match");
    }
}
