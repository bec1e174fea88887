/* SPDX-License-Identifier: MIT */
/*
 * Runs scenarios: files of one command a line, what is expected after "->". One thread, a fake
 * clock, fake servers; the invariants are checked after each line. A file is one test case.
 *
 *     server 0 up|down|crowded|readonly      server 0 refuse|deny PASSWORD     (deny: may log in,
 *     server 0 fail opens|checks|resets N                                       but not write)
 *     change NAME password=a [server=0 min=0 max=2 type=fake strict=0 leak=60 breaker=5s shed=0s
 *                             interval=2s] -> OUTCOME
 *     drop NAME -> removed                   pin P, unpin P
 *     acquire X NAME [within 2s] [pin P] -> ok version=1 | waiting | STATUS
 *     thread X NAME [within 2s]              the same for one that can be woken to look for itself
 *     woken X -> yes | no                    and has not looked yet
 *     look X -> ok version=1 | waiting       it does
 *     grab X NAME -> ok version=1 | nothing  what is idle, without standing in line
 *     result X -> ok version=1 | waiting | STATUS
 *     try X NAME [pin P] -> ok version=1 | EAGAIN | STATUS
 *     async X NAME [within 2s] [pin P]       dispatch -> N                  callbacks called
 *     forget                                 the queue of completions is freed
 *     release X [STATUS] -> ok | ESTALE      cancel X [-> no]
 *     pause|resume|recycle NAME -> ok | STATUS
 *     resize NAME MIN MAX -> ok | STATUS
 *     take -> open|check|peek|interrupt|close|none  one errand, now under way
 *     run                                    its driver call (the server sees it)
 *     finish [last]                          its result reaches the pool: of the one that was
 *                                            taken first, or last
 *     work                                   take, run, finish until there is nothing to do
 *     advance 2s                             time passes, tick
 *     expect NAME KEY=N ...                  version waiting idle leased opening closing held
 *                                            opened closed timeouts acquired leaks interrupted
 *                                            unavailable shed recycled breaker=0|1 paused=0|1
 *                                            recycling=0|1 vN=STATE vN.acquired
 *     seen 0 -> N                            backend connections that server sees
 *     close 2s, drained -> yes|no
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

#include "clock.h"
#include "invariants.h"

#define WORDS_MAX   16
#define LEASES_MAX  26
#define FLIGHTS_MAX 8

static struct {
    const char *file;
    unsigned line;
    bool failed;
    bool surviving;                    /* what is expected does not matter */
    struct entry *entries[LEASES_MAX]; /* by letter */
    struct weir_lease released[LEASES_MAX];
    struct weir_pin *pins[LEASES_MAX];
    struct {
        struct errand *errand;
        struct errand_result result;
    } flights[FLIGHTS_MAX];
    size_t taken, ran;
} now;

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list arguments;

    if (now.failed || now.surviving)
        return;
    now.failed = true;
    printf("# %s:%u: ", now.file, now.line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void fake_violation(const char *rule, const char *what)
{
    if (!now.failed)
        printf("# %s:%u: %s: %s\n", now.file, now.line, rule, what);
    now.failed = true;
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* The value of "key=value" among the words; NULL if there is none. */
static const char *option(char **words, const char *key)
{
    size_t len = strlen(key);

    for (; *words != NULL; words++)
        if (strncmp(*words, key, len) == 0 && (*words)[len] == '=')
            return *words + len + 1;
    return NULL;
}

static int option_number(char **words, const char *key, int fallback)
{
    const char *value = option(words, key);

    return value == NULL ? fallback : (int)strtol(value, NULL, 10);
}

/* The word after `key`; NULL if there is none. */
static const char *after(char **words, const char *key)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, key) == 0)
            return words[1];
    return NULL;
}

static int64_t span(const char *word)
{
    char *unit;
    double value = strtod(word, &unit);

    return clock_from_seconds(strcmp(unit, "ms") == 0 ? value / 1000 : value);
}

static size_t slot(const char *word)
{
    if (word == NULL || word[0] < 'a' || word[0] > 'z' || word[1] != '\0') {
        fail("a letter from a to z is expected");
        return 0;
    }
    return (size_t)(word[0] - 'a');
}

static int status_of(const char *word)
{
    if (word == NULL || strcmp(word, "ok") == 0)
        return 0;
#define STATUS(name, number, remedy, text) \
    if (strcmp(word, #name) == 0)          \
        return number;
    WEIR_ERRORS(STATUS)
#undef STATUS
    fail("no status %s", word);
    return 0;
}

static void expect_text(const char *got, const char *wanted)
{
    if (wanted == NULL)
        wanted = "";
    if (strcmp(got, wanted) != 0)
        fail("\"%s\", not \"%s\"", got, wanted);
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void do_server(char **words, const char *wanted)
{
    static const char *const modes[] = {"up", "down", "crowded", "readonly"};
    struct fake_server *server = &fake.servers[strtol(words[0], NULL, 10) % FAKE_SERVERS_MAX];

    (void)wanted;
    for (int mode = 0; mode < FAKE_MODES; mode++)
        if (strcmp(words[1], modes[mode]) == 0)
            server->mode = (enum fake_mode)mode;
    if (strcmp(words[1], "refuse") == 0)
        snprintf(server->refused, sizeof(server->refused), "%s", words[2]);
    if (strcmp(words[1], "deny") == 0)
        snprintf(server->denied, sizeof(server->denied), "%s", words[2]);
    if (after(words, "opens") != NULL)
        server->fail_opens = (unsigned)strtoul(after(words, "opens"), NULL, 10);
    if (after(words, "checks") != NULL)
        server->fail_checks = (unsigned)strtoul(after(words, "checks"), NULL, 10);
    if (after(words, "resets") != NULL)
        server->fail_resets = (unsigned)strtoul(after(words, "resets"), NULL, 10);
}

static const char *outcome_name(enum weir_outcome outcome)
{
    static const char *const names[] = {"unchanged", "added",   "removed",
                                        "migrated",  "resized", "staging"};

    return names[outcome];
}

static void commit(struct weir_change *change, const char *name, const char *wanted)
{
    const char *outcome = outcome_name(weir_change_outcome(change, name));

    if (weir_change_commit(&change, NULL) != 0)
        fail("the commit failed");
    expect_text(outcome, wanted);
}

/* Spans of the pool's own; the default where the word is left out. */
static void set_spans(struct weir_settings *settings, char **words)
{
    static const char *const keys[][2] = {
        {"breaker", "breaker_after"}, {"shed", "shed_target"}, {"interval", "shed_interval"}};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *value = option(words, keys[i][0]);
        if (value != NULL)
            weir_settings_set_seconds(settings, keys[i][1],
                                      (double)span(value) / (double)CLOCK_SECOND, NULL);
    }
}

static void do_change(char **words, const char *wanted)
{
    struct weir_change *change;
    struct weir_error error = {.status = 0};
    const char *password = option(words, "password"), *type = option(words, "type");
    struct weir_settings *settings =
        fake_settings(type == NULL ? "fake" : type, option_number(words, "server", 0),
                      password == NULL ? "" : password, option_number(words, "min", 0),
                      option_number(words, "max", 2));

    if (settings == NULL) {
        fail("out of memory");
        return;
    }
    if (option(words, "strict") != NULL)
        weir_settings_set_boolean(settings, "strict", true, NULL);
    if (option(words, "leak") != NULL)
        weir_settings_set_integer(settings, "leak_timeout", option_number(words, "leak", 0), NULL);
    set_spans(settings, words);
    if (weir_change_begin(book.registry, &change, &error) != 0)
        fail("%s", error.detail);
    else if (weir_change_set(change, words[0], settings, &error) != 0) {
        weir_change_abort(&change);
        fail("%s", error.detail);
    } else
        commit(change, words[0], wanted);
    weir_settings_unref(&settings);
}

static void do_drop(char **words, const char *wanted)
{
    struct weir_change *change;
    struct weir_error error = {.status = 0};

    if (weir_change_begin(book.registry, &change, &error) != 0)
        fail("%s", error.detail);
    else if (weir_change_drop(change, words[0], &error) != 0) {
        weir_change_abort(&change);
        fail("%s", error.detail);
    } else
        commit(change, words[0], wanted);
}

static void do_pin(char **words, const char *wanted)
{
    (void)wanted;
    if (weir_pin_new(book.registry, &now.pins[slot(words[0])], NULL) != 0)
        fail("no pin");
}

static void do_unpin(char **words, const char *wanted)
{
    (void)wanted;
    weir_pin_unref(&now.pins[slot(words[0])]);
}

static void do_result(char **words, const char *wanted)
{
    const struct entry *entry = now.entries[slot(words[0])];
    char got[64] = "waiting";

    if (entry == NULL)
        fail("nothing was acquired as %s", words[0]);
    else if (entry->state != ENTRY_WAITING && entry->status == 0)
        snprintf(got, sizeof(got), "ok version=%u", entry->lease.version);
    else if (entry->state != ENTRY_WAITING)
        snprintf(got, sizeof(got), "%s", weir_status_name(entry->status) + strlen("WEIR_"));
    expect_text(got, wanted);
}

static int64_t deadline_of(char **words)
{
    const char *within = after(words, "within");

    return clock_add(fake.now, within == NULL ? 5 * CLOCK_SECOND : span(within));
}

static struct weir_pin *pin_of(char **words)
{
    const char *pin = after(words, "pin");

    return pin == NULL ? NULL : now.pins[slot(pin)];
}

static void do_acquire(char **words, const char *wanted)
{
    struct entry *entry = book_entry(deadline_of(words));

    now.entries[slot(words[0])] = entry;
    waiter_start(book.registry, words[1], pin_of(words), entry->waiter);
    do_result(words, wanted);
}

static void do_thread(char **words, const char *wanted)
{
    struct entry *entry = book_entry(deadline_of(words));

    now.entries[slot(words[0])] = entry;
    book_may_look(entry);
    waiter_start(book.registry, words[1], NULL, entry->waiter);
    do_result(words, wanted);
}

static struct entry *acquired_as(const char *letter)
{
    struct entry *entry = now.entries[slot(letter)];

    if (entry == NULL)
        fail("nothing is acquired as %s", letter);
    return entry;
}

static void do_woken(char **words, const char *wanted)
{
    const struct entry *entry = acquired_as(words[0]);

    if (entry != NULL)
        expect_text(entry->nudged ? "yes" : "no", wanted);
}

static void do_look(char **words, const char *wanted)
{
    struct entry *entry = acquired_as(words[0]);

    if (entry == NULL)
        return;
    entry->nudged = false;
    waiter_retry(book.registry, entry->waiter);
    do_result(words, wanted);
}

static void do_grab(char **words, const char *wanted)
{
    struct endpoint *endpoint = directory_find(book.registry, words[1]);
    struct entry *entry = endpoint == NULL ? NULL : book_take(endpoint);

    now.entries[slot(words[0])] = entry;
    if (entry == NULL)
        expect_text("nothing", wanted);
    else
        do_result(words, wanted);
}

static void do_try(char **words, const char *wanted)
{
    now.entries[slot(words[0])] = book_try(words[1], pin_of(words));
    do_result(words, wanted);
}

static void do_async(char **words, const char *wanted)
{
    now.entries[slot(words[0])] = book_async(words[1], pin_of(words), deadline_of(words));
    do_result(words, wanted == NULL ? "waiting" : wanted);
}

static void do_dispatch(char **words, const char *wanted)
{
    char got[16];

    (void)words;
    snprintf(got, sizeof(got), "%u", book_dispatch());
    expect_text(got, wanted);
}

static void do_forget(char **words, const char *wanted)
{
    (void)words, (void)wanted;
    book_close_completions();
}

static void do_release(char **words, const char *wanted)
{
    size_t at = slot(words[0]);
    struct entry *entry = now.entries[at];
    struct weir_lease *lease = &now.released[at];

    if (entry != NULL && entry->state == ENTRY_HELD) {
        *lease = entry->lease;
        entry->state = ENTRY_FREE;
        now.entries[at] = NULL;
    }
    struct weir_lease copy = *lease;
    int status = weir_release(book.registry, &copy, status_of(words[1]));
    book.bad_releases += status == WEIR_ESTALE;
    expect_text(status == 0 ? "ok" : weir_status_name(status) + strlen("WEIR_"),
                wanted == NULL ? "ok" : wanted);
}

static void do_cancel(char **words, const char *wanted)
{
    struct entry *entry = acquired_as(words[0]);

    if (entry != NULL)
        expect_text(book_cancel(entry) ? "yes" : "no", wanted == NULL ? "yes" : wanted);
}

static void do_order(int (*order)(struct weir_registry *, const char *, struct weir_error *),
                     char **words, const char *wanted)
{
    int status = order(book.registry, words[0], NULL);

    expect_text(status == 0 ? "ok" : weir_status_name(status) + strlen("WEIR_"),
                wanted == NULL ? "ok" : wanted);
}

static void do_pause(char **words, const char *wanted)
{
    do_order(weir_pool_pause, words, wanted);
}

static void do_resume(char **words, const char *wanted)
{
    do_order(weir_pool_resume, words, wanted);
}

static void do_recycle(char **words, const char *wanted)
{
    do_order(weir_pool_recycle, words, wanted);
}

static void do_resize(char **words, const char *wanted)
{
    int status = weir_pool_resize(book.registry, words[0], (unsigned)strtoul(words[1], NULL, 10),
                                  (unsigned)strtoul(words[2], NULL, 10), NULL);

    expect_text(status == 0 ? "ok" : weir_status_name(status) + strlen("WEIR_"),
                wanted == NULL ? "ok" : wanted);
}

static void do_take(char **words, const char *wanted)
{
    static const char *const kinds[] = {"open", "check", "peek", "interrupt", "close"};
    struct errand *errand = now.taken == FLIGHTS_MAX ? NULL : errand_take(book.registry);

    (void)words;
    if (errand != NULL)
        now.flights[now.taken++].errand = errand;
    expect_text(errand == NULL ? "none" : kinds[errand->kind], wanted);
}

static void do_run(char **words, const char *wanted)
{
    (void)words, (void)wanted;
    if (now.ran == now.taken)
        fail("nothing was taken");
    else
        errand_run(now.flights[now.ran].errand, &now.flights[now.ran].result), now.ran++;
}

static void do_finish(char **words, const char *wanted)
{
    size_t at = words != NULL && words[0] != NULL && now.ran > 0 ? now.ran - 1 : 0;

    (void)wanted;
    if (now.ran == 0) {
        fail("nothing was run");
        return;
    }
    struct errand *errand = now.flights[at].errand;
    struct errand_result result = now.flights[at].result;
    now.taken--;
    now.ran--;
    memmove(now.flights + at, now.flights + at + 1, (now.taken - at) * sizeof(now.flights[0]));
    errand_finish(errand, &result);
}

static void do_work(char **words, const char *wanted)
{
    (void)words, (void)wanted;
    for (int i = 0; i < 1000 && weir_registry_work(book.registry); i++)
        invariants_check();
}

static void do_advance(char **words, const char *wanted)
{
    (void)wanted;
    fake.now += span(words[0]);
    weir_registry_tick(book.registry, fake.now);
}

static void do_seen(char **words, const char *wanted)
{
    char got[16];

    snprintf(got, sizeof(got), "%u", fake.servers[strtol(words[0], NULL, 10)].seen);
    expect_text(got, wanted);
}

static void do_close(char **words, const char *wanted)
{
    (void)wanted;
    book.closed = true;
    weir_registry_close(book.registry, clock_add(fake.now, span(words[0])));
}

static void do_drained(char **words, const char *wanted)
{
    (void)words;
    expect_text(weir_registry_drained(book.registry) ? "yes" : "no", wanted);
}

/* ---- Expecting ------------------------------------------------------------------------------- */

/* Counts are over all versions; "" if there is no such key. */
static void look_up(const struct endpoint *endpoint, const char *key, char *got, size_t len)
{
    static const char *const states[] = {"opening", "idle", "leased", "checking", "closing"};
    const struct weir_totals *totals = &endpoint->totals;
    uint64_t sum = 0, acquired = totals->acquired;
    bool is_state = false;

    got[0] = '\0';
    list_each(link, &endpoint->versions) {
        const struct version *version = list_entry(link, struct version, link);
        struct weir_counts counts = version_counts(version);
        acquired += version_unfolded(version);
        const unsigned values[] = {counts.opening, counts.idle - version->counts[CONN_CHECKING],
                                   counts.leased, version->counts[CONN_CHECKING], counts.closing};
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
            if (strcmp(key, states[i]) == 0) {
                sum += values[i];
                is_state = true;
            }
        if (key[0] != 'v' || strtoul(key + 1, NULL, 10) != version->number)
            continue;
        if (strstr(key, ".acquired") == NULL)
            snprintf(got, len, "%s", weir_version_state_name(version->state));
        else
            snprintf(got, len, "%llu",
                     (unsigned long long)(version->totals.acquired + version_unfolded(version)));
    }
    if (key[0] == 'v' && key[1] >= '0' && key[1] <= '9') {
        if (got[0] == '\0')
            snprintf(got, len, "gone");
        return;
    }
    if (strcmp(key, "version") == 0)
        sum = endpoint->active == NULL ? 0 : endpoint->active->number;
    else if (strcmp(key, "waiting") == 0)
        sum = endpoint->waiting;
    else if (strcmp(key, "held") == 0)
        sum = endpoint->held;
    else if (strcmp(key, "opened") == 0)
        sum = totals->opened;
    else if (strcmp(key, "closed") == 0)
        sum = totals->closed;
    else if (strcmp(key, "timeouts") == 0)
        sum = totals->timeouts;
    else if (strcmp(key, "acquired") == 0)
        sum = acquired;
    else if (strcmp(key, "leaks") == 0)
        sum = totals->leaks;
    else if (strcmp(key, "interrupted") == 0)
        sum = totals->interrupted;
    else if (strcmp(key, "unavailable") == 0)
        sum = totals->unavailable;
    else if (strcmp(key, "shed") == 0)
        sum = totals->shed;
    else if (strcmp(key, "recycled") == 0)
        sum = totals->recycled;
    else if (strcmp(key, "paused") == 0)
        sum = endpoint->paused;
    else if (strcmp(key, "recycling") == 0)
        sum = endpoint->recycle.running;
    else if (strcmp(key, "breaker") == 0)
        sum = endpoint->breaker.opened_at != 0;
    else if (!is_state && !list_empty(&endpoint->versions))
        return;
    snprintf(got, len, "%llu", (unsigned long long)sum);
}

static void do_expect(char **words, const char *wanted)
{
    const struct endpoint *endpoint = registry_find(book.registry, words[0], NULL);

    (void)wanted;
    if (endpoint == NULL)
        endpoint = registry_find_exact(book.registry, words[0], &fake_driver);
    if (endpoint == NULL) {
        fail("no connection %s", words[0]);
        return;
    }
    for (words++; *words != NULL; words++) {
        char got[32], *value = strchr(*words, '=');
        if (value == NULL) {
            fail("KEY=VALUE is expected");
            return;
        }
        *value++ = '\0';
        look_up(endpoint, *words, got, sizeof(got));
        if (strcmp(got, value) != 0)
            fail("%s is %s, not %s", *words, got[0] == '\0' ? "unknown" : got, value);
    }
}

/* ---- Files ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int words; /* at least */
    void (*run)(char **words, const char *wanted);
} commands[] = {
    {"server", 2, do_server},     {"change", 1, do_change},   {"drop", 1, do_drop},
    {"pin", 1, do_pin},           {"unpin", 1, do_unpin},     {"acquire", 2, do_acquire},
    {"try", 2, do_try},           {"thread", 2, do_thread},   {"woken", 1, do_woken},
    {"look", 1, do_look},         {"grab", 2, do_grab},       {"async", 2, do_async},
    {"dispatch", 0, do_dispatch}, {"forget", 0, do_forget},   {"result", 1, do_result},
    {"release", 1, do_release},   {"cancel", 1, do_cancel},   {"pause", 1, do_pause},
    {"resume", 1, do_resume},     {"recycle", 1, do_recycle}, {"resize", 3, do_resize},
    {"take", 0, do_take},         {"run", 0, do_run},         {"finish", 0, do_finish},
    {"work", 0, do_work},         {"advance", 1, do_advance}, {"expect", 2, do_expect},
    {"seen", 1, do_seen},         {"close", 1, do_close},     {"drained", 0, do_drained}};

static void run_line(char *line)
{
    char *words[WORDS_MAX + 1] = {NULL}, *state = NULL, *wanted = strstr(line, "->");
    int count = 0;

    if (wanted != NULL) {
        *wanted = '\0';
        wanted += 2 + strspn(wanted + 2, " ");
        for (size_t len = strlen(wanted); len > 0 && wanted[len - 1] == ' '; len--)
            wanted[len - 1] = '\0';
    }
    for (char *word = strtok_r(line, " \n", &state); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " \n", &state))
        words[count++] = word;
    if (count == 0)
        return;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, words[0]) == 0 && count > commands[i].words) {
            commands[i].run(words + 1, wanted);
            invariants_check();
            return;
        }
    fail("no such command, or too few words: %s", words[0]);
}

/* False without memory. */
static bool begin(const char *file, bool surviving)
{
    struct weir_registry *registry;
    struct weir_registry_options options = {
        .migration_timeout = 10 * CLOCK_SECOND, .seed = 1, .now = fake_now, .prove = fake_prove};

    memset(&now, 0, sizeof(now));
    now.file = file;
    now.surviving = surviving;
    fake_reset();
    if (weir_registry_new(&registry, &options, NULL) != 0)
        return false;
    if (weir_registry_add_driver(registry, &fake_driver, NULL) != 0 ||
        weir_registry_add_driver(registry, &fake_other_driver, NULL) != 0)
        abort();
    fake.registry_mutex = &registry->mutex;
    book_open(registry);
    return true;
}

static void finish_flights(void)
{
    while (now.taken > 0) {
        if (now.ran == 0)
            do_run(NULL, NULL);
        do_finish(NULL, NULL);
    }
}

static void release_all(void)
{
    for (size_t i = 0; i < BOOK_WAITERS_MAX; i++)
        if (book.entries[i].state == ENTRY_HELD) {
            book.entries[i].state = ENTRY_FREE;
            weir_release(book.registry, &book.entries[i].lease, 0);
        }
}

/* With healthy servers, and past every deadline, nobody may be left waiting. */
static void calm_down(void)
{
    for (size_t i = 0; i < FAKE_SERVERS_MAX; i++)
        fake.servers[i].mode = FAKE_UP;
    for (size_t i = 0; i < book.registry->endpoints_count; i++)
        weir_pool_resume(book.registry, book.registry->endpoints[i]->name, NULL);
    for (int round = 0; round < 30; round++) {
        release_all();
        do_work(NULL, NULL);
        fake.now += 5 * CLOCK_SECOND;
        weir_registry_tick(book.registry, fake.now);
    }
    for (size_t i = 0; i < book.registry->endpoints_count; i++)
        if (book.registry->endpoints[i]->waiting > 0)
            fake_violation("I19", "an allocation that failed left somebody waiting");
}

/* Every scenario ends like this: all is let go, and nothing may be left. */
static void end(void)
{
    finish_flights();
    if (now.surviving)
        calm_down();
    for (size_t i = 0; i < LEASES_MAX; i++)
        weir_pin_unref(&now.pins[i]);
    book.closed = true;
    weir_registry_close(book.registry, fake.now);
    book_close_completions();
    release_all();
    do_work(NULL, NULL);
    if (!weir_registry_drained(book.registry))
        fake_violation("I9", "the registry does not drain");
    else
        invariants_check_drained();
    weir_registry_free(&book.registry);
}

static bool run_file(const char *path, bool surviving)
{
    char line[512];
    FILE *file = fopen(path, "r");
    bool begun = begin(path, surviving);

    if (file == NULL || (!begun && !surviving))
        fail("cannot be run");
    while (begun && file != NULL && !now.failed && fgets(line, sizeof(line), file) != NULL) {
        now.line++;
        line[strcspn(line, "#\n")] = '\0';
        run_line(line);
    }
    if (file != NULL)
        fclose(file);
    if (begun)
        end();
    return !now.failed;
}

bool scenario_run(const char *path)
{
    return run_file(path, false);
}

bool scenario_survive(const char *path)
{
    return run_file(path, true);
}
