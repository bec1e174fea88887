/* SPDX-License-Identifier: MIT */
/*
 * RabbitMQ for programs that embed libweir: the driver, and rabbitmq-c's handle behind a lease.
 * Link with weir-rabbitmq (pkg-config), and include amqp.h for amqp_connection_state_t, which is
 * struct amqp_connection_state_t_ *.
 *
 * The keys of its settings are in drivers/rabbitmq/README.md: host, port, vhost, user, password,
 * tls and more. Deadlines hold for what the driver does itself; what the borrower does in
 * rabbitmq-c takes as long as it takes (amqp_set_rpc_timeout, and a timeout for
 * amqp_simple_wait_frame). Heartbeats are sent by the calls into rabbitmq-c, and by the pool's
 * check of idle connections.
 *
 * When the lease is released with a status that keeps the backend connection, the channel is closed
 * and opened anew, in confirm mode, if its handle was asked for: consumers, deliveries without an
 * ack (the broker delivers them again), confirms still to come and transactions end with it. Other
 * channels are the borrower's to close; release with WEIR_ELOST if that cannot be done.
 *
 * Interrupted (migration_timeout, close), a lease has its socket shut down: calls in rabbitmq-c
 * fail. Release it then with WEIR_EINTERRUPTED. AMQP cannot take back what was published.
 */
#ifndef WEIR_RABBITMQ_H
#define WEIR_RABBITMQ_H

#include <weir/driver.h>
#include <weir/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_lease;
struct amqp_connection_state_t_;

#define WEIR_RABBITMQ_CHANNEL 1 /* is open, in confirm mode */

/*
 * The driver, to be made known by weir_registry_add_driver. Static. A function rather than an
 * object, so that a program need not know the size of struct weir_driver.
 */
WEIR_EXPORT const struct weir_driver *weir_rabbitmq_driver(void);

/*
 * The connection behind a lease; NULL if nothing is held, or by another driver. Borrowed until the
 * release: not for amqp_connection_close or amqp_destroy_connection. For the thread that holds the
 * lease.
 */
WEIR_EXPORT struct amqp_connection_state_t_ *weir_rabbitmq_handle(const struct weir_lease *lease);

#ifdef __cplusplus
}
#endif

#endif
