/* SPDX-License-Identifier: MIT */
/*
 * Owns: calls with a deadline, and turning what broker and library say into statuses.
 * Never does: close the socket under a call; it is shut down, which ends the call.
 * Lock: none; what another thread may touch is atomic.
 */
#include "conn.h"

#include <stdio.h>

#include "clock.h"

#define GRACE (200 * CLOCK_MS) /* past a deadline, for a call that watches it itself */

/* ---- Calls ----------------------------------------------------------------------------------- */

int rabbit_call_begin(struct rabbit_call *call, struct rabbit_conn *conn, int64_t deadline,
                      struct weir_error *error)
{
    call->conn = conn;
    call->deadline = deadline;
    if (wake_raised(&conn->wake))
        return weir_fail(error, WEIR_EINTERRUPTED, "interrupted");
    int64_t bite = clock_add(deadline, GRACE);
    if (watchdog_set(&call->watchdog, atomic_load(&conn->fd) - 1, bite) != 0)
        return weir_fail(error, WEIR_ENOMEM, "no thread for the watchdog");
    return 0;
}

int rabbit_call_end(struct rabbit_call *call, int status, struct weir_error *error)
{
    bool bitten = watchdog_clear(&call->watchdog);
    enum weir_remedy remedy = weir_remedy(status);

    if (status == 0 || (remedy != WEIR_REMEDY_RECONNECT && remedy != WEIR_REMEDY_RETIRE))
        return status;
    if (wake_raised(&call->conn->wake))
        return weir_fail(error, WEIR_EINTERRUPTED, "interrupted");
    return bitten ? weir_fail(error, WEIR_EDEADLINE, "no answer in time") : status;
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static int fail_with(long code, const char *text, int len, struct weir_error *error)
{
    char native[WEIR_ERROR_NATIVE_MAX];

    snprintf(native, sizeof(native), "%ld", code);
    int status = weir_fail(error, rabbit_classify(native), "%.*s", len, text);
    if (error != NULL)
        snprintf(error->native, sizeof(error->native), "%s", native);
    return status;
}

int rabbit_library_fail(int code, struct weir_error *error)
{
    return fail_with(code, amqp_error_string2(code), 200, error);
}

int rabbit_closed(uint16_t code, amqp_bytes_t text, struct weir_error *error)
{
    return fail_with(code, text.bytes, (int)text.len, error);
}

/* Whatever the code, this connection is done. */
int rabbit_connection_closed(const amqp_connection_close_t *close, struct weir_error *error)
{
    int status = rabbit_closed(close->reply_code, close->reply_text, error);

    if (weir_remedy(status) == WEIR_REMEDY_RECONNECT || status == WEIR_EDOWN)
        return status;
    if (error != NULL)
        error->status = WEIR_ELOST;
    return WEIR_ELOST;
}

int rabbit_reply(const amqp_rpc_reply_t *reply, struct weir_error *error)
{
    switch (reply->reply_type) {
    case AMQP_RESPONSE_NORMAL: return 0;
    case AMQP_RESPONSE_LIBRARY_EXCEPTION: return rabbit_library_fail(reply->library_error, error);
    case AMQP_RESPONSE_SERVER_EXCEPTION: break;
    default: return weir_fail(error, WEIR_ELOST, "the broker gave no reply");
    }
    if (reply->reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *close = reply->reply.decoded;
        return rabbit_closed(close->reply_code, close->reply_text, error);
    }
    if (reply->reply.id == AMQP_CONNECTION_CLOSE_METHOD)
        return rabbit_connection_closed(reply->reply.decoded, error);
    return weir_fail(error, WEIR_ELOST, "method 0x%08x instead of a reply", reply->reply.id);
}
