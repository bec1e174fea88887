/* SPDX-License-Identifier: MIT */
/*
 * A fake kind of backend, for the simulation and the scenarios: a clock that only moves when told,
 * servers that can be up, down, crowded or read-only and accept one set of passwords each, and a
 * driver that talks to them. The servers count for themselves what the pool does to them and call
 * fake_violation when it breaks a rule.
 */
#ifndef FAKE_H
#define FAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/weir.h>

#define FAKE_SERVERS_MAX 8
#define FAKE_MAGIC       UINT64_C(0xfa4ec0117ec7ed00)

enum fake_mode { FAKE_UP, FAKE_DOWN, FAKE_CROWDED, FAKE_READONLY, FAKE_MODES };

/* One server; connections name it by their "server" setting. */
struct fake_server {
    enum fake_mode mode;
    char refused[32]; /* a password that is wrong now; "" if none */
    char denied[32];  /* a password whose owner may log in but not write */
    unsigned seen;    /* backend connections from the start of open to the end of close */
    unsigned peak;
    unsigned opens, closes, checks, resets;
    unsigned fail_opens, fail_checks, fail_resets; /* so many of the next ones fail */
};

/* What the driver keeps in the pool's conn_size bytes. */
struct fake_conn {
    uint64_t magic;
    struct fake_server *server;
    const struct weir_settings *settings;
    bool up, broken, interrupted;
};

struct fake {
    int64_t now;
    unsigned interrupts;
    struct fake_server servers[FAKE_SERVERS_MAX];
    pthread_mutex_t *registry_mutex; /* must be free during every call; NULL: do not look */
};

extern struct fake fake;

/* Two kinds, so that a name can change its type; the other has nothing to reset. */
extern const struct weir_driver fake_driver, fake_other_driver;

/* Back to the beginning: time 1 s, all servers up. */
void fake_reset(void);

/* For weir_registry_options. */
int64_t fake_now(void *context);
int fake_prove(void *context, const char *name, const struct weir_driver *driver, void *conn,
               int64_t deadline, struct weir_error *error);

/* Settings of the fake type; sizes below 0 are left out. The caller owns them; NULL without memory.
 */
struct weir_settings *fake_settings(const char *type, int server, const char *password, int min,
                                    int max);

/* Provided by the program: a rule was broken. */
void fake_violation(const char *rule, const char *what);

#endif
