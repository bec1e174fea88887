/* SPDX-License-Identifier: MIT */
/*
 * Owns: the Prometheus text. Never does: count (those who do things do). Lock: none.
 */
#include "metrics.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "gateway.h"
#include "loop.h"
#include "repeats.h"

static const char *const outcome_names[METRICS_OUTCOMES] = {
    [OUTCOME_STORED] = "stored",
    [OUTCOME_REJECTED] = "rejected",
    [OUTCOME_SHUTTING_DOWN] = "shutting-down",
    [OUTCOME_OVERLOADED] = "overloaded",
    [OUTCOME_EXHAUSTED] = "pool-exhausted",
    [OUTCOME_UNAVAILABLE] = "destination-unavailable",
    [OUTCOME_INTERNAL] = "internal"};

static const unsigned bounds_ms[METRICS_BUCKETS_COUNT] = METRICS_BUCKETS;

void metrics_answered(struct metrics *metrics, int64_t span)
{
    size_t i = 0;

    while (i < METRICS_BUCKETS_COUNT && span > bounds_ms[i] * CLOCK_MS)
        i++;
    atomic_fetch_add_explicit(&metrics->latency[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->latency_us, (uint64_t)span / 1000, memory_order_relaxed);
}

static void family(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(FILE *out, const char *name, const char *type, const char *help, double value)
{
    family(out, name, type, help);
    fprintf(out, "%s %.15g\n", name, value);
}

/* A label's value: backslash, quote and newline are escaped; names have no other controls. */
static void label(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static double resident_bytes(void)
{
    unsigned long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file != NULL) {
        if (fscanf(file, "%lu %lu", &pages, &resident) != 2)
            resident = 0;
        fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* ---- The door -------------------------------------------------------------------------------- */

static bool refused_by_door(enum answer_problem problem)
{
    switch (problem) {
    case ANSWER_MALFORMED:
    case ANSWER_SLOW_CLIENT:
    case ANSWER_TOO_LARGE:
    case ANSWER_HEADERS_TOO_LARGE:
    case ANSWER_UNKNOWN_METHOD:
    case ANSWER_OVERLOADED:
    case ANSWER_SHUTTING_DOWN: return true;
    default: return false;
    }
}

static void doors(FILE *out, struct gateway *gateway)
{
    struct door_stats sum = {.accepted = 0}, stats;

    for (unsigned i = 0; i < gateway->loops_count; i++) {
        door_get_stats(gateway->loops[i]->door, &stats);
        sum.accepted += stats.accepted;
        sum.evicted += stats.evicted;
        sum.requests += stats.requests;
        sum.clients += stats.clients;
        for (int j = 0; j < 6; j++)
            sum.by_status[j] += stats.by_status[j];
    }
    single(out, "weir_client_connections", "gauge", "Open client connections.", sum.clients);
    single(out, "weir_client_connections_total", "counter", "Client connections accepted.",
           (double)sum.accepted);
    single(out, "weir_client_connections_evicted_total", "counter",
           "Closed while idle, to make room.", (double)sum.evicted);
    single(out, "weir_http_requests_total", "counter", "Requests whose head was read.",
           (double)sum.requests);
    family(out, "weir_http_answers_total", "counter", "Answers by hundreds of their status.");
    for (int j = 2; j < 6; j++)
        fprintf(out, "weir_http_answers_total{class=\"%dxx\"} %llu\n", j,
                (unsigned long long)sum.by_status[j]);
    family(out, "weir_http_refused_total", "counter",
           "Refused for their form or a limit, by code.");
    for (int i = 0; i < ANSWER_PROBLEMS_COUNT; i++)
        if (refused_by_door(i))
            fprintf(out, "weir_http_refused_total{code=\"%s\"} %llu\n", answer_problem_code(i),
                    (unsigned long long)atomic_load(&gateway->metrics.refused[i]));
}

/* Cumulative, as Prometheus wants it; the count is the last bucket, so that they agree. */
static void latency(FILE *out, struct metrics *metrics)
{
    unsigned long long sum = 0;

    family(out, "weir_webhook_seconds", "histogram", "From acceptance to the answer.");
    for (size_t i = 0; i < METRICS_BUCKETS_COUNT; i++) {
        sum += atomic_load(&metrics->latency[i]);
        fprintf(out, "weir_webhook_seconds_bucket{le=\"%g\"} %llu\n", bounds_ms[i] / 1e3, sum);
    }
    sum += atomic_load(&metrics->latency[METRICS_BUCKETS_COUNT]);
    fprintf(out, "weir_webhook_seconds_bucket{le=\"+Inf\"} %llu\n", sum);
    fprintf(out, "weir_webhook_seconds_sum %.6f\n",
            (double)atomic_load(&metrics->latency_us) / 1e6);
    fprintf(out, "weir_webhook_seconds_count %llu\n", sum);
}

static void webhooks(FILE *out, struct gateway *gateway)
{
    struct metrics *metrics = &gateway->metrics;

    family(out, "weir_webhooks_total", "counter", "Accepted webhooks by what became of them.");
    for (int i = 0; i < METRICS_OUTCOMES; i++)
        fprintf(out, "weir_webhooks_total{outcome=\"%s\"} %llu\n", outcome_names[i],
                (unsigned long long)atomic_load(&metrics->outcomes[i]));
    single(out, "weir_webhooks_active", "gauge", "Accepted webhooks without an answer yet.",
           atomic_load(&metrics->active));
    single(out, "weir_webhooks_pending", "gauge", "Accepted webhooks that are not settled yet.",
           atomic_load(&gateway->pending));
    single(out, "weir_webhooks_unauthorized_total", "counter", "Refused for their credentials.",
           (double)atomic_load(&metrics->unauthorized));
    single(out, "weir_webhooks_forbidden_total", "counter", "Refused with 403.",
           (double)atomic_load(&metrics->forbidden));
    single(out, "weir_webhooks_timed_out_total", "counter", "Answered at request_timeout.",
           (double)atomic_load(&metrics->timed_out));
    single(out, "weir_webhooks_rate_limited_total", "counter", "Refused for their rate.",
           (double)atomic_load(&metrics->rate_limited));
    single(out, "weir_webhooks_filtered_total", "counter", "Not stored, as their match says.",
           (double)atomic_load(&metrics->filtered));
    latency(out, metrics);
    single(out, "weir_repeats_remembered", "gauge", "Entries kept for senders' retries.",
           (double)repeats_count(gateway->repeats));
    single(out, "weir_body_bytes", "gauge", "Bytes of bodies held.",
           (double)atomic_load(&gateway->budget.held));
    if (atomic_load(&metrics->certificate_expires) != 0)
        single(out, "weir_tls_certificate_expires_seconds", "gauge", "When it expires, since 1970.",
               (double)atomic_load(&metrics->certificate_expires));
    family(out, "weir_reloads_total", "counter", "Reloads of the configuration.");
    fprintf(out, "weir_reloads_total{result=\"ok\"} %llu\n",
            (unsigned long long)atomic_load(&metrics->reloads_ok));
    fprintf(out, "weir_reloads_total{result=\"rejected\"} %llu\n",
            (unsigned long long)atomic_load(&metrics->reloads_rejected));
}

/* ---- Connections ----------------------------------------------------------------------------- */

/* One value of one connection; several of a family differ by `state`. */
struct value {
    const char *family, *type, *help, *state;
    double (*read)(const struct weir_connection_view *view, const struct dispatch_view *queue);
};

#define SUM(field)                                                     \
    static double sum_##field(const struct weir_connection_view *view, \
                              const struct dispatch_view *queue)       \
    {                                                                  \
        double sum = 0;                                                \
                                                                       \
        (void)queue;                                                   \
        for (size_t i = 0; i < view->versions_count; i++)              \
            sum += view->versions[i].counts.field;                     \
        return sum;                                                    \
    }
SUM(idle)
SUM(leased)
SUM(opening)
SUM(closing)
#undef SUM

#define FIELD(name, expression)                                                                    \
    static double name(const struct weir_connection_view *view, const struct dispatch_view *queue) \
    {                                                                                              \
        (void)view, (void)queue;                                                                   \
        return (double)(expression);                                                               \
    }
FIELD(version, view->version)
FIELD(acquired, view->totals.acquired)
FIELD(timeouts, view->totals.timeouts)
FIELD(opened, view->totals.opened)
FIELD(closed, view->totals.closed)
FIELD(open_failures, view->totals.open_failures)
FIELD(refused, view->totals.refused)
FIELD(unavailable, view->totals.unavailable)
FIELD(shed, view->totals.shed)
FIELD(breaker_open, view->breaker_open)
FIELD(paused, view->paused)
FIELD(recycled, view->totals.recycled)
FIELD(leaks, view->totals.leaks)
FIELD(waiting, queue->waiting)
FIELD(writing, queue->writing)
FIELD(lanes, queue->lanes)
FIELD(batches, queue->batches)
FIELD(stored, queue->stored)
FIELD(rejected, queue->rejected)
FIELD(retried, queue->retried)
FIELD(failed, queue->failed)
FIELD(expired, queue->expired)
#undef FIELD

static const struct value values[] = {
    {"weir_pool_connections", "gauge", "Backend connections by state.", "idle", sum_idle},
    {"weir_pool_connections", NULL, NULL, "leased", sum_leased},
    {"weir_pool_connections", NULL, NULL, "opening", sum_opening},
    {"weir_pool_connections", NULL, NULL, "closing", sum_closing},
    {"weir_pool_version", "gauge", "The active version.", NULL, version},
    {"weir_pool_acquired_total", "counter", "Leases given out.", NULL, acquired},
    {"weir_pool_timeouts_total", "counter", "Leases that did not come in time.", NULL, timeouts},
    {"weir_pool_opened_total", "counter", "Attempts to open.", NULL, opened},
    {"weir_pool_closed_total", "counter", "Backend connections closed.", NULL, closed},
    {"weir_pool_open_failures_total", "counter", "Failed attempts.", NULL, open_failures},
    {"weir_pool_refused_total", "counter", "Refused: too many waited.", NULL, refused},
    {"weir_pool_unavailable_total", "counter", "Refused: none can be opened.", NULL, unavailable},
    {"weir_pool_shed_total", "counter", "Refused: too long a wait.", NULL, shed},
    {"weir_pool_breaker_open", "gauge", "1 while the breaker is open.", NULL, breaker_open},
    {"weir_pool_paused", "gauge", "1 while nothing is leased.", NULL, paused},
    {"weir_pool_recycled_total", "counter", "Closed to be replaced.", NULL, recycled},
    {"weir_pool_leaks_total", "counter", "Leases held for too long.", NULL, leaks},
    {"weir_queue_waiting", "gauge", "Webhooks waiting.", NULL, waiting},
    {"weir_queue_writing", "gauge", "Webhooks in a batch.", NULL, writing},
    {"weir_queue_lanes", "gauge", "Lanes.", NULL, lanes},
    {"weir_queue_batches_total", "counter", "Batches written.", NULL, batches},
    {"weir_queue_stored_total", "counter", "Rows stored.", NULL, stored},
    {"weir_queue_rejected_total", "counter", "Rows refused for good.", NULL, rejected},
    {"weir_queue_retried_total", "counter", "Rows written again.", NULL, retried},
    {"weir_queue_failed_total", "counter", "Rows not known to be stored.", NULL, failed},
    {"weir_queue_expired_total", "counter", "Webhooks that waited too long.", NULL, expired}};

static void one_value(FILE *out, struct gateway *gateway, const struct value *value,
                      const struct weir_snapshot *snapshot)
{
    if (value->type != NULL)
        family(out, value->family, value->type, value->help);
    for (size_t i = 0; i < snapshot->connections_count; i++) {
        const struct weir_connection_view *view = &snapshot->connections[i];
        struct dispatch_view queue;
        dispatch_look(gateway->dispatch, view->name, view->type, &queue);
        fprintf(out, "%s{connection=\"", value->family);
        label(out, view->name);
        fprintf(out, "\",type=\"%s", view->type);
        if (value->state != NULL)
            fprintf(out, "\",state=\"%s", value->state);
        fprintf(out, "\"} %.15g\n", value->read(view, &queue));
    }
}

char *metrics_text(struct gateway *gateway, size_t *len)
{
    struct weir_snapshot *snapshot;
    char *text = NULL;
    FILE *out = open_memstream(&text, len);

    if (out == NULL)
        return NULL;
    family(out, "weir_build_info", "gauge", "Always 1; the version is in the label.");
    fprintf(out, "weir_build_info{version=\"%s\"} 1\n", WEIR_VERSION);
    single(out, "weir_uptime_seconds", "gauge", "Since the start.",
           (double)(clock_now() - gateway->started_at) / (double)CLOCK_SECOND);
    single(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    doors(out, gateway);
    webhooks(out, gateway);
    if (weir_snapshot_take(gateway->registry, &snapshot, NULL) == 0) {
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
            one_value(out, gateway, &values[i], snapshot);
        weir_snapshot_free(&snapshot);
    }
    fclose(out);
    return text;
}
