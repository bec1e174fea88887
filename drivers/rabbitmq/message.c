/* SPDX-License-Identifier: MIT */
/*
 * Owns: the properties of a message. Never does: touch the body, which is sent as it came.
 * Lock: none.
 */
#include "message.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN    255 /* bytes in an AMQP short string */
#define PERSISTENT      2
#define SECOND_IN_MICRO 1000000

static bool is_short(const char *text)
{
    return strlen(text) <= NAME_MAX_LEN;
}

/* A name that AMQP cannot carry is left out. */
static void add_headers(struct message *message)
{
    const char *name;
    json_t *value;
    int count = 0;

    json_object_foreach(message->headers, name, value)
    {
        if (!is_short(name) || !json_is_string(value))
            continue;
        message->entries[count++] = (amqp_table_entry_t){
            .key = amqp_cstring_bytes(name),
            .value = {.kind = AMQP_FIELD_KIND_UTF8,
                      .value.bytes = {.len = json_string_length(value),
                                      .bytes = (void *)json_string_value(value)}}};
    }
    message->properties.headers = (amqp_table_t){.num_entries = count, .entries = message->entries};
    message->properties._flags |= AMQP_BASIC_HEADERS_FLAG;
}

static void add_content_type(struct message *message)
{
    const char *type = json_string_value(json_object_get(message->headers, "content-type"));

    if (type == NULL || !is_short(type))
        type = "application/json";
    message->properties.content_type = amqp_cstring_bytes(type);
}

int message_init(struct message *message, const struct weir_item *item, bool with_headers)
{
    amqp_basic_properties_t *properties = &message->properties;

    memset(message, 0, sizeof(*message));
    message->headers = json_loadb(item->headers, item->headers_len, 0, NULL);
    message->entries = calloc(json_object_size(message->headers) + 1, sizeof(amqp_table_entry_t));
    if (message->headers == NULL || message->entries == NULL) {
        message_fini(message);
        return WEIR_ENOMEM;
    }
    properties->_flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                         AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG |
                         AMQP_BASIC_APP_ID_FLAG;
    properties->delivery_mode = PERSISTENT;
    properties->message_id = amqp_cstring_bytes(item->id);
    properties->timestamp = (uint64_t)(item->received_at / SECOND_IN_MICRO);
    properties->app_id = amqp_cstring_bytes("weir");
    if (is_short(item->webhook_id)) {
        properties->_flags |= AMQP_BASIC_TYPE_FLAG;
        properties->type = amqp_cstring_bytes(item->webhook_id);
    }
    add_content_type(message);
    if (with_headers)
        add_headers(message);
    return 0;
}

void message_fini(struct message *message)
{
    json_decref(message->headers);
    free(message->entries);
    message->headers = NULL;
    message->entries = NULL;
}
