#include "table/records.h"

#include "larder/mem.h"

#include "larder/banned.h"

/* The name of the axis that a column of a file holds, or NULL. */
static const char *axis_name(const struct tsv *file, size_t column)
{
    size_t n = strlen(RECORDS_AXIS);

    return strncmp(file->column[column], RECORDS_AXIS, n) == 0 ? file->column[column] + n
                                                               : NULL;
}

static int read_files(struct records *r, struct error *err)
{
    size_t n = manifest_size(&r->list);
    int rc = 0;

    r->file = xcalloc(n + 1, sizeof *r->file);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const char *path = manifest_path(&r->list, i);

        rc = tsv_read(&r->file[i], path, err);
        for (size_t k = 0; rc == 0 && k < r->file[i].n_columns; k++) {
            const char *axis = axis_name(&r->file[i], k);
            const char *listed = axis ? manifest_axis(&r->list, i, axis) : NULL;

            if (listed != NULL && listed[0] != '\0')
                rc = error_set(err, E_INPUT,
                               "%s: its column \"%s\" and the list both tell the axis "
                               "%s",
                               path, r->file[i].column[k], axis);
        }
    }
    return rc;
}

/* Adds a column to the manifest of records unless it has it. */
static void add_column(struct tsv *t, char *name)
{
    if (tsv_find(t, name) >= 0)
        return;
    t->column = xrealloc(t->column, (t->n_columns + 1) * sizeof *t->column);
    t->column[t->n_columns++] = name;
}

/* The columns of the list, then the axes of files. */
static void make_columns(struct records *r)
{
    struct tsv *t = &r->manifest.tsv;

    for (size_t k = 0; k < r->list.tsv.n_columns; k++)
        add_column(t, r->list.tsv.column[k]);
    for (size_t i = 0; i < manifest_size(&r->list); i++)
        for (size_t k = 0; k < r->file[i].n_columns; k++)
            if (axis_name(&r->file[i], k) != NULL)
                add_column(t, r->file[i].column[k] + strlen(RECORDS_AXIS));
    r->manifest.path = r->list.path;
}

static bool same_axes(const struct tsv *file, size_t a, size_t b)
{
    for (size_t k = 0; k < file->n_columns; k++)
        if (axis_name(file, k) != NULL &&
            strcmp(tsv_get(file, a, (int)k), tsv_get(file, b, (int)k)) != 0)
            return false;
    return true;
}

/* A record: n rows of a file, from row on. */
static void add_record(struct records *r, size_t item, const struct digest *digest,
                       size_t row, size_t n)
{
    static char nothing[] = "";
    struct tsv *t = &r->manifest.tsv, *file = &r->file[item];
    char **cell;

    r->record = xrealloc(r->record, (r->n + 1) * sizeof *r->record);
    r->record[r->n++] = (struct record){
        .tsv = { .cell = n > 0 ? file->cell + row * file->n_columns : NULL,
                 .column = file->column,
                 .n_rows = n,
                 .n_columns = file->n_columns,
                 .rows_before = row,
                 .path = file->path },
        .digest = *digest,
    };
    t->cell = xrealloc(t->cell, r->n * t->n_columns * sizeof *t->cell);
    cell = t->cell + t->n_rows++ * t->n_columns;
    for (size_t k = 0; k < t->n_columns; k++)
        cell[k] = k < r->list.tsv.n_columns
                      ? r->list.tsv.cell[item * r->list.tsv.n_columns + k]
                      : nothing;
    for (size_t k = 0; k < file->n_columns && n > 0; k++)
        if (axis_name(file, k) != NULL)
            cell[tsv_find(t, axis_name(file, k))] = file->cell[row * file->n_columns + k];
}

static int add_records(struct records *r, size_t item, struct error *err)
{
    const struct tsv *file = &r->file[item];
    struct digest digest;
    size_t from = 0;
    int rc = digest_file(&digest, NULL, file->path, err);

    if (rc < 0)
        return rc;
    for (size_t row = 1; row < file->n_rows; row++)
        if (!same_axes(file, row - 1, row)) {
            add_record(r, item, &digest, from, row - from);
            from = row;
        }
    add_record(r, item, &digest, from, file->n_rows - from);
    return 0;
}

int records_read(struct records *r, const char *list, struct error *err)
{
    int rc;

    *r = (struct records){ 0 };
    rc = manifest_read(&r->list, list, err);
    if (rc < 0)
        return rc;
    r->manifest.tsv.path = list;
    rc = read_files(r, err);
    if (rc == 0)
        make_columns(r);
    for (size_t i = 0; i < manifest_size(&r->list) && rc == 0; i++)
        rc = add_records(r, i, err);
    if (rc < 0)
        records_release(r);
    return rc;
}

const struct tsv *records_with(const struct records *r, const char *axis,
                               const char *word)
{
    for (size_t i = 0; i < r->n; i++) {
        const char *own = manifest_axis(&r->manifest, i, axis);

        if (own != NULL && strcmp(own, word) == 0)
            return &r->record[i].tsv;
    }
    return NULL;
}

void records_release(struct records *r)
{
    for (size_t i = 0; r->file != NULL && i < manifest_size(&r->list); i++)
        tsv_release(&r->file[i]);
    free(r->file);
    free(r->record);
    manifest_release(&r->manifest);
    manifest_release(&r->list);
    *r = (struct records){ 0 };
}
