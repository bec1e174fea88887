/* SPDX-License-Identifier: MIT */
/*
 * Owns: reading secrets: from the configuration itself, from files, from systemd's credentials.
 * Never does: quote one in a problem, or keep it in memory that is dumped. Lock: none.
 */
#include "config_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vault.h"
#include "wipe.h"

#define PATH_ROOM 4096

bool config_is_reference(const json_t *value)
{
    return json_is_object(value) && json_object_size(value) == 1 &&
           (json_object_get(value, "file") != NULL || json_object_get(value, "credential") != NULL);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static bool fill(int fd, char *bytes, size_t room, size_t *len)
{
    *len = 0;
    while (*len < room) {
        ssize_t n = read(fd, bytes + *len, room - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    return true;
}

/* NULL: read; else why not. */
static const char *read_secret(const char *path, struct secret *out)
{
    struct stat status;
    size_t room = SECRET_BYTES_MAX + 3, len;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would be waited for */

    if (fd < 0)
        return strerror(errno);
    char *bytes = vault_alloc(room);
    const char *why = NULL;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        why = "it is not a regular file";
    else if (bytes == NULL)
        why = "out of memory";
    else if (!fill(fd, bytes, room, &len))
        why = strerror(errno);
    close(fd);
    if (why == NULL)
        len = secret_file_len(bytes, len);
    if (why == NULL && len > SECRET_BYTES_MAX)
        why = "it is too long for a secret";
    if (why == NULL) {
        out->len = len;
        out->bytes = (unsigned char *)vault_copy(bytes, len);
        why = out->bytes == NULL ? "out of memory" : NULL;
    }
    vault_free(bytes, room);
    return why;
}

static const char *credential_path(const char *name, char path[PATH_ROOM])
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");

    if (directory == NULL || directory[0] == '\0')
        return "$CREDENTIALS_DIRECTORY is not set: weir was not started by systemd with "
               "credentials";
    if (strchr(name, '/') != NULL || strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
        return "a credential's name has no slash";
    return snprintf(path, PATH_ROOM, "%s/%s", directory, name) < PATH_ROOM ? NULL
                                                                           : "its path is too long";
}

static bool read_reference(const struct source *source, const json_t *value, const char *pointer,
                           const char *key, struct secret *out)
{
    char path[PATH_ROOM];
    const json_t *file = json_object_get(value, "file");
    const json_t *name = file != NULL ? file : json_object_get(value, "credential");
    char *text = source_string(source, name, pointer, key);
    const char *why = NULL;

    if (text == NULL)
        return false;
    if (file == NULL)
        why = credential_path(text, path);
    else if (text[0] != '/' || snprintf(path, sizeof(path), "%s", text) >= (int)sizeof(path))
        why = "must be an absolute path";
    if (why == NULL)
        why = read_secret(path, out);
    if (why != NULL)
        source_problem(source, pointer, key, "%s %s cannot be read: %s",
                       file != NULL ? "file" : "credential", text, why);
    free(text);
    return why == NULL;
}

/* ---- Secrets --------------------------------------------------------------------------------- */

bool config_secret(const struct source *source, const json_t *value, const char *pointer,
                   const char *key, struct secret *out)
{
    *out = (struct secret){.bytes = NULL};
    if (config_is_reference(value))
        return read_reference(source, value, pointer, key, out);
    if (!json_is_string(value)) {
        source_problem(source, pointer, key,
                       "must be a string, {\"file\": ...} or {\"credential\": ...}");
        return false;
    }
    char *text = source_string(source, value, pointer, key);
    if (text == NULL)
        return false;
    out->len = strlen(text);
    out->bytes = (unsigned char *)vault_copy(text, out->len);
    wipe_free_string(text);
    if (out->bytes == NULL)
        source_problem(source, pointer, key, "out of memory");
    return out->bytes != NULL;
}

char *config_secret_string(const struct source *source, const json_t *value, const char *pointer,
                           const char *key)
{
    struct secret secret;

    if (!config_secret(source, value, pointer, key, &secret))
        return NULL;
    if (strlen((const char *)secret.bytes) == secret.len)
        return (char *)secret.bytes;
    source_problem(source, pointer, key, "must not hold a NUL");
    vault_free(secret.bytes, secret.len + 1);
    return NULL;
}

static bool add(const struct source *source, const json_t *value, const char *pointer,
                const char *key, struct secrets *out)
{
    struct secret secret;
    struct weir_error error;

    if (!config_secret(source, value, pointer, key, &secret))
        return false;
    int status = secrets_add(out, secret.bytes, secret.len, &error);
    vault_free(secret.bytes, secret.len + 1);
    if (status != 0)
        source_problem(source, pointer, key, "%s", error.detail);
    return status == 0;
}

static bool add_all(const struct source *source, const json_t *list, const char *base,
                    struct secrets *out)
{
    char pointer[SOURCE_POINTER_MAX], index[24];
    bool good = true;

    if (!json_is_array(list) || json_array_size(list) == 0) {
        source_problem(source, base, "secrets", "must be an array of at least one secret");
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(index, sizeof(index), "%zu", i);
        source_pointer(pointer, base, index);
        good = add(source, json_array_get(list, i), pointer, "secrets", out) && good;
    }
    return good;
}

bool config_secrets(const struct source *source, const json_t *entry, const char *base,
                    struct secrets *out)
{
    char pointer[SOURCE_POINTER_MAX];
    const json_t *one = json_object_get(entry, "secret"), *list = json_object_get(entry, "secrets");
    bool good = true;

    *out = (struct secrets){.count = 0};
    source_pointer(pointer, base, "secret");
    if (one != NULL)
        good = add(source, one, pointer, "secret", out);
    source_pointer(pointer, base, "secrets");
    if (list != NULL)
        good = add_all(source, list, pointer, out) && good;
    if (!good)
        secrets_fini(out);
    return good;
}
