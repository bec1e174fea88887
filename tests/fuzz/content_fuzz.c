/* SPDX-License-Identifier: MIT */
/*
 * Templates of what is signed: the first line is one, the rest a body. What can be made can be
 * filled in or says why not, and twice is the same.
 */
#include <stdbool.h>

#include "content.h"
#include "lines.h"

static void fill(const struct content *content, const struct guard_request *request)
{
    unsigned char bytes[] = "key";
    struct secret secret = {bytes, 3};
    struct content_values values = {.timestamp = "1700000000", .id = "msg_1", .secret = &secret};
    struct weir_error error = {.status = 0};
    size_t len = 0, again = 0;

    unsigned char *first, *second;
    int status = content_fill(content, request, &values, &first, &len, &error);
    PROMISE(content_fill(content, request, &values, &second, &again, &error) == status);
    PROMISE((first != NULL) == (status == 0) && (second != NULL) == (status == 0));
    PROMISE((status == 0 || error.detail[0] != '\0') && len == again);
    PROMISE(first == NULL || len == 0 || memcmp(first, second, len) == 0);
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct request_header headers[] = {
        {"content-type", "application/x-www-form-urlencoded"}, {"x-one", "1"}};
    struct weir_error error = {.status = 0};
    struct content *content;
    char *text = text_of(data, size), *at = text;

    const char *template = next_line(&at);
    struct guard_request request = {.method = "POST",
                                    .path = "/webhook/x",
                                    .query = "a=1&b=%2F",
                                    .headers = headers,
                                    .headers_count = 2,
                                    .public_url = "https://hooks.example.com"};
    request.body = (const unsigned char *)(at == NULL ? "" : at);
    request.body_len = at == NULL ? 0 : size - (size_t)(at - text);
    int status = content_new(&content, template, &error);
    PROMISE((status == 0) == (content != NULL));
    PROMISE(status == 0 || error.detail[0] != '\0');
    if (content != NULL)
        fill(content, &request);
    request.public_url = request.query = NULL;
    if (content != NULL)
        fill(content, &request);
    content_free(&content);
    free(text);
    return 0;
}
