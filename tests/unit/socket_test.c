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

    CHECK_INT(dial_resolve(&found, "192.0.2.7", in_ms(1000), &error), 0);
    CHECK_INT(found.count, 1);
    CHECK_STRING(found.numbers[0], "192.0.2.7");
    CHECK_INT(dial_resolve(&found, "::1", in_ms(1000), &error), 0);
    CHECK_STRING(found.numbers[0], "::1");
    CHECK_INT(dial_resolve(&found, "localhost", in_ms(5000), &error), 0);
    CHECK(found.count >= 1);
    CHECK_INT(dial_resolve(&found, "no such host", in_ms(5000), &error), WEIR_ERESOLVE);
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    CHECK_INT(dial_resolve(&found, longest, in_ms(1000), &error), WEIR_ECONFIG);
}

static void connects_to_a_port_and_is_refused_by_another(void)
{
    unsigned port;
    int fd, server = listener(&port);

    begin();
    CHECK_INT(dial_connect(&fd, "localhost", port, &wake, in_ms(5000), &error), 0);
    CHECK(fd >= 0);
    close(fd);
    close(server);
    CHECK_INT(dial_connect(&fd, "127.0.0.1", port, &wake, in_ms(5000), &error), WEIR_ECONNECT);
    CHECK_INT(fd, -1);
    wake_fini(&wake);
}

static void connects_to_a_path(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, server = socket(AF_UNIX, SOCK_STREAM, 0);
    char longest[200];

    begin();
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/weir-dial-%d", (int)getpid());
    CHECK_INT(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
    CHECK_INT(listen(server, 1), 0);
    CHECK_INT(dial_connect(&fd, address.sun_path, 0, &wake, in_ms(1000), &error), 0);
    close(fd);
    close(server);
    unlink(address.sun_path);
    CHECK_INT(dial_connect(&fd, address.sun_path, 0, &wake, in_ms(1000), &error), WEIR_ECONNECT);
    memset(longest, '/', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    CHECK_INT(dial_connect(&fd, longest, 0, &wake, in_ms(1000), &error), WEIR_ECONFIG);
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
    CHECK_INT(dial_connect(&fd, "127.0.0.1", port, &wake, in_ms(5000), &error), 0);
    int other = accept(listening, NULL, NULL);
    CHECK(other >= 0);
    shutdown(fd, SHUT_RDWR);
    CHECK_INT(dial_linger(fd, in_ms(50)), WEIR_EDEADLINE);
    close(other);
    CHECK_INT(dial_linger(fd, in_ms(5000)), 0);
    close(fd);
    close(listening);
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
          TEST(connects_to_a_port_and_is_refused_by_another), TEST(connects_to_a_path),
          TEST(lingers_until_the_other_side_closes),
          TEST(lingers_after_a_shutdown_of_both_directions), TEST(the_watchdog_ends_a_blocked_call))
