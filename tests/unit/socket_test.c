/* SPDX-License-Identifier: MIT */
/* Reaching servers: names, deadlines, interrupts, the watchdog, and seeing the other side let go.
 */
#include "test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "dial.h"
#include "wake.h"
#include "watchdog.h"

static struct weir_error error;
static struct wake wake;

static int64_t in_ms(int64_t ms)
{
    return clock_now() + ms * CLOCK_MS;
}

static void begin(void)
{
    memset(&wake, 0, sizeof(wake));
    CHECK_INT(wake_init(&wake, &error), 0);
}

/* A listening socket on a free loopback port. */
static int listener(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0);
    CHECK_INT(bind(fd, (struct sockaddr *)&address, len), 0);
    CHECK_INT(listen(fd, 1), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static struct outbound outbound;

static void allow(const char *allowed, const char *denied)
{
    CHECK_INT(outbound_init(&outbound, allowed, denied, true, &error), 0);
}

static void a_wait_ends_at_its_deadline(void)
{
    int pair[2];

    begin();
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    int64_t until = in_ms(30);
    CHECK_INT(wake_wait(&wake, pair[0], POLLIN, until, &error), WEIR_EDEADLINE);
    CHECK(clock_now() >= until);
    CHECK_INT(wake_wait(&wake, pair[0], POLLOUT, until, &error), 0); /* ready counts, though late */
    CHECK_INT(write(pair[1], "x", 1), 1);
    CHECK_INT(wake_wait(&wake, pair[0], POLLIN, CLOCK_NEVER, &error), 0);
    close(pair[0]);
    close(pair[1]);
    wake_fini(&wake);
}

static void *raise_soon(void *nothing)
{
    (void)nothing;
    poll(NULL, 0, 20);
    wake_raise(&wake);
    return NULL;
}

static void an_interrupt_ends_this_wait_and_all_others(void)
{
    pthread_t thread;
    int pair[2];

    begin();
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_INT(pthread_create(&thread, NULL, raise_soon, NULL), 0);
    CHECK_INT(wake_wait(&wake, pair[0], POLLIN, CLOCK_NEVER, &error), WEIR_EINTERRUPTED);
    CHECK_INT(wake_wait(&wake, pair[0], POLLOUT, CLOCK_NEVER, &error), WEIR_EINTERRUPTED);
    pthread_join(thread, NULL);
    close(pair[0]);
    close(pair[1]);
    wake_fini(&wake);
}

static void raised_before_it_began(void)
{
    memset(&wake, 0, sizeof(wake));
    wake_raise(&wake);
    CHECK_INT(wake_init(&wake, &error), 0);
    CHECK(wake_raised(&wake));
    CHECK_INT(wake_wait(&wake, 0, POLLIN, CLOCK_NEVER, &error), WEIR_EINTERRUPTED);
    wake_fini(&wake);
}

static void names_and_numbers(void)
{
    struct dial_addresses found;
    char longest[400];

    allow(NULL, NULL);
    CHECK_INT(dial_resolve(&found, "192.0.2.7", &outbound, in_ms(1000), &error), 0);
    CHECK_INT(found.count, 1);
    CHECK_STRING(found.items[0].number, "192.0.2.7");
    CHECK_INT(dial_resolve(&found, "::1", &outbound, in_ms(1000), &error), 0);
    CHECK_STRING(found.items[0].number, "::1");
    CHECK_INT(dial_resolve(&found, "localhost", &outbound, in_ms(5000), &error), 0);
    CHECK(found.count >= 1);
    CHECK_INT(dial_resolve(&found, "no such host", &outbound, in_ms(5000), &error), WEIR_ERESOLVE);
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    CHECK_INT(dial_resolve(&found, longest, &outbound, in_ms(1000), &error), WEIR_ECONFIG);
    outbound_fini(&outbound);
}

/* However it is spelt, it is the address that is judged. */
static void leaves_out_what_may_not_be_connected_to(void)
{
    static const char *const spellings[] = {
        "127.0.0.1",        "127.1",   "2130706433", "0x7f.1", "0177.0.0.1",
        "::ffff:127.0.0.1", "0.0.0.0", "0",          "::",     "localhost"};
    struct dial_addresses found;

    allow(NULL, "127.0.0.0/8 ::1");
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        CHECK_INT(dial_resolve(&found, spellings[i], &outbound, in_ms(5000), &error),
                  WEIR_EADDRESS);
        CHECK_INT(found.count, 0);
        CHECK_STRING(error.key, "host");
        CHECK(strstr(error.detail, "is in the deny list (") != NULL);
    }
    CHECK_INT(dial_resolve(&found, "127.0.0.1", &outbound, in_ms(5000), &error), WEIR_EADDRESS);
    CHECK_STRING(error.detail, "host 127.0.0.1: 127.0.0.1 is in the deny list (127.0.0.0/8)");
    outbound_fini(&outbound);
    allow(NULL, NULL);
    CHECK_INT(dial_resolve(&found, "fe80::a9fe:a9fe%lo", &outbound, in_ms(1000), &error),
              WEIR_EADDRESS);
    outbound_fini(&outbound);
    allow("fe80::/10", NULL);
    CHECK_INT(dial_resolve(&found, "fe80::1%lo", &outbound, in_ms(1000), &error), 0);
    CHECK_STRING(found.items[0].number, "fe80::1%lo");
    outbound_fini(&outbound);
}

/* Once, an address with a zone was connected to as ::, which is this machine. */
static void an_address_with_a_zone_is_not_this_machine(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    socklen_t len = sizeof(address);
    int fd, server = socket(AF_INET6, SOCK_STREAM, 0);

    begin();
    allow("fe80::/10", NULL);
    CHECK_INT(bind(server, (struct sockaddr *)&address, len), 0);
    CHECK_INT(listen(server, 4), 0);
    CHECK_INT(getsockname(server, (struct sockaddr *)&address, &len), 0);
    CHECK(dial_connect(&fd, "fe80::1%lo", ntohs(address.sin6_port), &outbound, &wake, in_ms(200),
                       &error) != 0);
    CHECK_INT(fd, -1);
    close(server);
    outbound_fini(&outbound);
    wake_fini(&wake);
}

static void connects_to_a_port_and_is_refused_by_another(void)
{
    unsigned port;
    int fd, server = listener(&port);

    begin();
    allow(NULL, NULL);
    CHECK_INT(dial_connect(&fd, "localhost", port, &outbound, &wake, in_ms(5000), &error), 0);
    CHECK(fd >= 0);
    close(fd);
    close(server);
    CHECK_INT(dial_connect(&fd, "127.0.0.1", port, &outbound, &wake, in_ms(5000), &error),
              WEIR_ECONNECT);
    CHECK_INT(fd, -1);
    outbound_fini(&outbound);
    wake_fini(&wake);
}

static void connects_to_a_path(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, server = socket(AF_UNIX, SOCK_STREAM, 0);
    char longest[200];

    begin();
    allow(NULL, NULL);
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/weir-dial-%d", (int)getpid());
    CHECK_INT(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
    CHECK_INT(listen(server, 1), 0);
    CHECK_INT(dial_connect(&fd, address.sun_path, 0, &outbound, &wake, in_ms(1000), &error), 0);
    close(fd);
    close(server);
    unlink(address.sun_path);
    CHECK_INT(dial_connect(&fd, address.sun_path, 0, &outbound, &wake, in_ms(1000), &error),
              WEIR_ECONNECT);
    memset(longest, '/', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    CHECK_INT(dial_connect(&fd, longest, 0, &outbound, &wake, in_ms(1000), &error), WEIR_ECONFIG);
    outbound.unix_sockets = false;
    CHECK_INT(dial_connect(&fd, "@abstract", 0, &outbound, &wake, in_ms(1000), &error),
              WEIR_EADDRESS);
    CHECK_STRING(error.detail, "@abstract: Unix sockets are not allowed");
    outbound_fini(&outbound);
    wake_fini(&wake);
}

static void lingers_until_the_other_side_closes(void)
{
    int pair[2];
    char byte;

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_INT(write(pair[1], "late words", 10), 10);
    CHECK_INT(dial_linger(pair[0], in_ms(30)), WEIR_EDEADLINE);
    CHECK_INT(read(pair[1], &byte, 1), 0); /* our side has ended */
    close(pair[1]);
    CHECK_INT(dial_linger(pair[0], in_ms(5000)), 0);
    close(pair[0]);
}

/* The only way to end somebody else's blocked call; our own end is not the other side's. */
static void lingers_after_a_shutdown_of_both_directions(void)
{
    unsigned port;
    int fd, listening = listener(&port);

    begin();
    allow(NULL, NULL);
    CHECK_INT(dial_connect(&fd, "127.0.0.1", port, &outbound, &wake, in_ms(5000), &error), 0);
    int other = accept(listening, NULL, NULL);
    CHECK(other >= 0);
    shutdown(fd, SHUT_RDWR);
    CHECK_INT(dial_linger(fd, in_ms(50)), WEIR_EDEADLINE);
    close(other);
    CHECK_INT(dial_linger(fd, in_ms(5000)), 0);
    close(fd);
    close(listening);
    outbound_fini(&outbound);
    wake_fini(&wake);
}

static void the_watchdog_ends_a_blocked_call(void)
{
    struct watchdog first, second;
    int one[2], two[2];
    char byte;

    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, one), 0);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, two), 0);
    CHECK_INT(watchdog_set(&first, one[0], in_ms(60000)), 0);
    int64_t until = in_ms(40); /* earlier than what is watched already */
    CHECK_INT(watchdog_set(&second, two[0], until), 0);
    CHECK_INT(read(two[0], &byte, 1), 0); /* blocks until bitten */
    CHECK(clock_now() >= until);
    CHECK(watchdog_clear(&second));
    CHECK(!watchdog_clear(&first));
    CHECK_INT(write(one[0], "x", 1), 1);
    for (int i = 0; i < 2; i++) {
        close(one[i]);
        close(two[i]);
    }
}

TEST_MAIN(TEST(a_wait_ends_at_its_deadline), TEST(an_interrupt_ends_this_wait_and_all_others),
          TEST(raised_before_it_began), TEST(names_and_numbers),
          TEST(leaves_out_what_may_not_be_connected_to),
          TEST(an_address_with_a_zone_is_not_this_machine),
          TEST(connects_to_a_port_and_is_refused_by_another), TEST(connects_to_a_path),
          TEST(lingers_until_the_other_side_closes),
          TEST(lingers_after_a_shutdown_of_both_directions), TEST(the_watchdog_ends_a_blocked_call))
