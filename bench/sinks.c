/* SPDX-License-Identifier: MIT */
/*
 * Rows per second at a sink, without the HTTP side; and at the same server with the plainest batch
 * client there can be, which knows no idempotence, deadlines or refusals.
 *
 *     sinks BACKEND weir|plain BATCH THREADS SECONDS KEY=VALUE...
 *
 * Each thread has a connection of its own and writes BATCH webhooks of 512 bytes at a time, each
 * time waiting until they are acknowledged. Prints the rows per second of all. BACKEND is mysql,
 * redis, rabbitmq, sqlite or postgresql; "port#3306" is an integer, "user=u" a string, "?" begins
 * a boolean; what stands behind "--" are options of the module.
 */
#include "plain.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mysql_backend.h"
#include "postgresql.h"
#include "rabbitmq.h"
#include "redis.h"
#include "sqlite.h"

#define BODY_LEN    512
#define THREADS_MAX 64

static const struct weir_sink *const sinks[] = {&mysql_sink, &redis_sink, &rabbitmq_sink,
                                                &sqlite_sink, &postgresql_sink};

static char body[BODY_LEN + 1];
static const char headers[] = "{\"host\":\"localhost\",\"content-type\":\"application/json\"}";
static atomic_uint_least64_t stored, next_id;
static int64_t end_at;

struct setup {
    const struct weir_sink *sink;
    struct weir_settings *settings;
    struct weir_target *target;
    bool plain;
    size_t batch;
};

static void fail(const char *what, const struct weir_error *error)
{
    fprintf(stderr, "sinks: %s: %s: %s\n", what, weir_strerror(error->status), error->detail);
    exit(1);
}

void bench_fail(const char *what)
{
    fprintf(stderr, "sinks: plain client: %s\n", what);
    exit(1);
}

void bench_fill(struct weir_item *items, char (*ids)[WEIR_ID_LEN + 1], size_t count)
{
    uint64_t first = atomic_fetch_add(&next_id, count), run = (uint64_t)clock_wall_us();

    for (size_t i = 0; i < count; i++) {
        snprintf(ids[i], WEIR_ID_LEN + 1, "%08x-%04x-7000-8000-%012llx",
                 (unsigned)(run >> 28 & 0xffffffff), (unsigned)(run >> 12 & 0xffff),
                 (unsigned long long)(((run & 0xfff) << 36 | (first + i)) & 0xffffffffffff));
        items[i] = (struct weir_item){.id = ids[i],
                                      .webhook_id = "bench",
                                      .path = "/webhook/bench",
                                      .received_at = (int64_t)run,
                                      .body = body,
                                      .body_len = BODY_LEN,
                                      .headers = headers,
                                      .headers_len = sizeof(headers) - 1,
                                      .status = WEIR_PENDING,
                                      .receivers = -1};
    }
}

static void run_weir(const struct setup *setup)
{
    const struct weir_driver *driver = setup->sink->driver;
    struct weir_item items[WEIR_BATCH_MAX];
    char ids[WEIR_BATCH_MAX][WEIR_ID_LEN + 1];
    struct weir_error error = {.status = 0};
    void *conn = calloc(1, driver->conn_size);

    if (driver->open(conn, setup->settings, clock_now() + 5 * CLOCK_SECOND, &error) != 0)
        fail("open", &error);
    while (clock_now() < end_at) {
        bench_fill(items, ids, setup->batch);
        int status = setup->sink->write(setup->target, conn, items, setup->batch,
                                        clock_now() + 20 * CLOCK_SECOND, &error);
        if (status == WEIR_ECONFLICT)
            continue; /* SQLite and deadlocks: the daemon would try again, too */
        for (size_t i = 0; i < setup->batch; i++)
            if (items[i].status != 0)
                fail("write", &error);
        atomic_fetch_add(&stored, setup->batch);
    }
    driver->close(conn, clock_now() + CLOCK_SECOND);
    free(conn);
}

static void run_plain(const struct setup *setup)
{
    struct weir_item items[WEIR_BATCH_MAX];
    char ids[WEIR_BATCH_MAX][WEIR_ID_LEN + 1];
    const struct plain *plain = plain_find(setup->sink->name);
    void *client = plain->open(setup->settings);

    while (clock_now() < end_at) {
        bench_fill(items, ids, setup->batch);
        plain->write(client, items, setup->batch);
        atomic_fetch_add(&stored, setup->batch);
    }
    plain->close(client);
}

static void *run(void *argument)
{
    const struct setup *setup = argument;

    if (setup->plain)
        run_plain(setup);
    else
        run_weir(setup);
    return NULL;
}

static struct weir_settings *read_settings(const char *type, char **words)
{
    struct weir_settings *settings;

    if (weir_settings_new(&settings, type, NULL) != 0)
        exit(1);
    for (; *words != NULL && strcmp(*words, "--") != 0; words++) {
        size_t len = strcspn(*words, "=#?");
        char kind = (*words)[len];
        (*words)[len] = '\0';
        const char *value = *words + len + 1;
        if (kind == '#')
            weir_settings_set_integer(settings, *words, atoll(value), NULL);
        else if (kind == '?')
            weir_settings_set_boolean(settings, *words, strcmp(value, "true") == 0, NULL);
        else
            weir_settings_set_string(settings, *words, value, NULL);
    }
    return settings;
}

static void prepare(const struct setup *setup)
{
    const struct weir_driver *driver = setup->sink->driver;
    struct weir_error error = {.status = 0};
    void *conn = calloc(1, driver->conn_size);

    if (driver->open(conn, setup->settings, clock_now() + 5 * CLOCK_SECOND, &error) != 0 ||
        setup->sink->prepare(setup->target, conn, clock_now() + 5 * CLOCK_SECOND, &error) != 0)
        fail("prepare", &error);
    driver->close(conn, clock_now() + CLOCK_SECOND);
    free(conn);
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    struct weir_error error = {.status = 0};
    struct setup setup = {.sink = NULL};

    if (argc < 6)
        return 2;
    for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++)
        if (strcmp(sinks[i]->name, argv[1]) == 0)
            setup.sink = sinks[i];
    unsigned count = (unsigned)atoi(argv[4]);
    if (setup.sink == NULL || count > THREADS_MAX)
        return 2;
    char **options = argv + 6;
    while (*options != NULL && strcmp(*options, "--") != 0)
        options++;
    setup.plain = strcmp(argv[2], "plain") == 0;
    setup.batch = (size_t)atoi(argv[3]);
    setup.settings = read_settings(argv[1], argv + 6);
    struct weir_settings *module = read_settings(argv[1], options + (*options != NULL));
    if (setup.sink->target_new(&setup.target, module, &error) != 0)
        fail("options", &error);
    memset(body, 'x', BODY_LEN);
    memcpy(body, "{\"a\":\"", 6);
    memcpy(body + BODY_LEN - 2, "\"}", 2);
    prepare(&setup);
    int64_t begun = clock_now();
    end_at = begun + atoll(argv[5]) * CLOCK_SECOND;
    for (unsigned i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, run, &setup);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    printf("%.0f\n", (double)atomic_load(&stored) * 1e9 / (double)(clock_now() - begun));
    return 0;
}
