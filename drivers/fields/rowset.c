/* SPDX-License-Identifier: MIT */
/*
 * Owns: the rows of a batch: values, refusals, and who replaces whom.
 * Never does: talk to a server. Lock: none.
 */
#include "rowset.h"

#include <stdlib.h>
#include <string.h>

#include "convert.h"

static void free_cells(struct cell *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(cells[i].text);
}

/* What stands in the body, or the field's default if nothing does. */
static int fill_cell(const struct schema *schema, const struct schema_field *field,
                     const struct raw *found, struct cell *cell)
{
    struct raw fallback = {.kind = RAW_ABSENT};
    const struct raw *raw = found;
    int status = 0;

    if (found->kind == RAW_ABSENT && field->fallback != NULL) {
        status = extract_value(field->fallback, strlen(field->fallback), &fallback);
        raw = &fallback;
    }
    if (status == 0)
        status = convert(raw, field->type, schema->dialect, &cell->text, &cell->len);
    if (status == 0 && cell->text == NULL && field->not_null)
        status = WEIR_EREJECTED;
    raw_free(&fallback);
    return status;
}

static int fill_row(const struct schema *schema, struct weir_item *item, struct cell *cells)
{
    struct raw raws[SCHEMA_FIELDS_MAX];
    int status = extract(schema, item->body, item->body_len, raws);

    for (unsigned i = 0; i < schema->fields_count && status == 0; i++) {
        status = fill_cell(schema, &schema->fields[i], &raws[i], &cells[i]);
        if (status == WEIR_EREJECTED)
            item->field = schema->fields[i].name;
    }
    for (unsigned i = 0; i < schema->fields_count; i++)
        raw_free(&raws[i]);
    return status;
}

const struct cell *rowset_cell(const struct rowset *rows, size_t row,
                               const struct schema_field *field)
{
    size_t number = (size_t)(field - rows->schema->fields);

    return &rows->cells[row * rows->schema->fields_count + number];
}

static bool same_key(const struct rowset *rows, size_t a, size_t b)
{
    const struct cell *one = rowset_cell(rows, a, rows->schema->upsert);
    const struct cell *two = rowset_cell(rows, b, rows->schema->upsert);

    return one->len == two->len && memcmp(one->text, two->text, one->len) == 0;
}

/* The row just added is the latest: one with the same key before it gives way. */
static void replace_earlier(struct rowset *rows)
{
    unsigned fields = rows->schema->fields_count;
    size_t last = rows->count - 1;

    for (size_t i = 0; i < last; i++) {
        if (!same_key(rows, i, last))
            continue;
        rows->earlier[rows->earlier_count++] = rows->items[i];
        free_cells(rows->cells + i * fields, fields);
        memmove(rows->items + i, rows->items + i + 1, (last - i) * sizeof(rows->items[0]));
        memmove(rows->cells + i * fields, rows->cells + (i + 1) * fields,
                (last - i) * fields * sizeof(rows->cells[0]));
        memset(rows->cells + last * fields, 0, fields * sizeof(rows->cells[0]));
        rows->count--;
        return;
    }
}

static int add(struct rowset *rows, struct weir_item *item)
{
    unsigned fields = rows->schema->fields_count;
    struct cell *cells = rows->cells + rows->count * fields;
    int status = fill_row(rows->schema, item, cells);

    if (status != 0) {
        free_cells(cells, fields);
        memset(cells, 0, fields * sizeof(cells[0]));
    }
    if (status == WEIR_EREJECTED) {
        item->status = status;
        return 0;
    }
    if (status != 0)
        return status;
    rows->items[rows->count++] = item;
    if (rows->schema->upsert != NULL)
        replace_earlier(rows);
    return 0;
}

int rowset_init(struct rowset *rows, const struct schema *schema, struct weir_item *items,
                size_t count)
{
    int status = 0;

    rows->schema = schema;
    rows->cells = NULL;
    rows->count = rows->earlier_count = 0;
    if (schema->fields_count > 0) {
        rows->cells = calloc(count * schema->fields_count, sizeof(rows->cells[0]));
        if (rows->cells == NULL)
            return WEIR_ENOMEM;
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        if (rows->cells == NULL)
            rows->items[rows->count++] = &items[i];
        else
            status = add(rows, &items[i]);
    }
    if (status != 0)
        rowset_fini(rows);
    return status;
}

void rowset_stored(struct rowset *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        rows->items[i]->status = 0;
    for (size_t i = 0; i < rows->earlier_count; i++)
        rows->earlier[i]->status = 0;
}

void rowset_fini(struct rowset *rows)
{
    if (rows->cells != NULL)
        free_cells(rows->cells, rows->count * rows->schema->fields_count);
    free(rows->cells);
    rows->cells = NULL;
}
