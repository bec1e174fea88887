/* SPDX-License-Identifier: MIT */
/*
 * From bytes to a request: the head, and a chunked body after it. However the bytes are cut, the
 * result is the same, and what is let through has nothing in it that others could misread.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "chunk.h"
#include "head.h"
#include "parse.h"

#define HEADERS_MAX 50
#define BODY_MAX    (1u << 16)

static enum head_verdict scan_in_steps(struct head_scan *scan, const char *bytes, size_t size,
                                       size_t step)
{
    enum head_verdict verdict = HEAD_MORE;

    for (size_t len = 0; verdict == HEAD_MORE && len < size;) {
        len = size - len < step ? size : len + step;
        verdict = head_scan(scan, bytes, len);
    }
    return verdict;
}

static bool plain(const char *text)
{
    for (; *text != '\0'; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

static void check_request(const struct parse *parse, const struct request_header *headers,
                          const struct head *head)
{
    unsigned hosts = 0, lengths = 0, codings = 0;

    PROMISE(strlen(parse->path) == parse->path_len && plain(parse->path));
    PROMISE(parse->path[0] == '/' || strcmp(parse->path, "*") == 0);
    PROMISE(strpbrk(parse->path, " ?#") == NULL);
    PROMISE(parse->query == NULL || (plain(parse->query) && strpbrk(parse->query, " #") == NULL));
    for (size_t i = 0; i < parse->headers_count; i++) {
        const char *name = headers[i].name, *value = headers[i].value;
        size_t len = strlen(value);
        PROMISE(name[0] != '\0' && plain(name) && strpbrk(name, " \t:\"()") == NULL);
        PROMISE(strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
        PROMISE(plain(value) && value[0] != ' ' && (len == 0 || value[len - 1] != ' '));
        hosts += strcmp(name, "host") == 0;
        lengths += strcmp(name, "content-length") == 0;
        codings += strcmp(name, "transfer-encoding") == 0;
    }
    PROMISE(hosts == 1 || (hosts == 0 && head->minor == 0));
    PROMISE(lengths == head->has_length && codings == head->chunked && lengths + codings <= 1);
}

struct decoded {
    enum chunk_verdict verdict;
    size_t len, read;
    char bytes[BODY_MAX];
};

static void decode(struct decoded *out, const char *bytes, size_t size, size_t step)
{
    struct chunk chunk = {0};
    const char *at = bytes, *data;
    size_t len;

    out->len = 0;
    out->verdict = CHUNK_MORE;
    for (size_t given = 0; out->verdict == CHUNK_MORE && given < size;) {
        given = size - given < step ? size : given + step;
        while ((out->verdict = chunk_read(&chunk, &at, bytes + given, &data, &len)) == CHUNK_DATA) {
            PROMISE(len > 0 && data >= bytes && data + len <= bytes + given);
            if (len > BODY_MAX - out->len)
                return;
            memcpy(out->bytes + out->len, data, len);
            out->len += len;
        }
    }
    out->read = (size_t)(at - bytes);
    PROMISE(out->read <= size);
}

static void check_chunks(const char *bytes, size_t size)
{
    static struct decoded whole, cut;

    decode(&whole, bytes, size, size);
    for (size_t step = 1; step <= 3; step++) {
        decode(&cut, bytes, size, step);
        PROMISE(cut.verdict == whole.verdict && cut.len == whole.len);
        PROMISE(memcmp(cut.bytes, whole.bytes, whole.len) == 0);
        PROMISE(cut.verdict != CHUNK_END || cut.read == whole.read);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct request_header headers[HEADERS_MAX];
    const char *bytes = (const char *)data;
    struct head_scan scan = {0}, cut = {0};
    struct parse parse;
    struct head head;

    if (size == 0)
        return 0;
    check_chunks(bytes, size);
    enum head_verdict verdict = head_scan(&scan, bytes, size);
    PROMISE(scan_in_steps(&cut, bytes, size, 1) == verdict);
    if (verdict != HEAD_WHOLE)
        return 0;
    PROMISE(cut.start == scan.start && cut.seen == scan.seen && cut.lines == scan.lines);
    size_t len = scan.seen - scan.start;
    if (!head_check(bytes + scan.start, len, &head))
        return 0;
    char *copy = malloc(len);
    PROMISE(copy != NULL);
    memcpy(copy, bytes + scan.start, len);
    if (parse_head(&parse, copy, len, &head, headers, HEADERS_MAX)) {
        check_request(&parse, headers, &head);
        if (head.chunked)
            check_chunks(bytes + scan.seen, size - scan.seen);
    }
    free(copy);
    return 0;
}
