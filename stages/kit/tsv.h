/*
 * tsv - numbers and names in columns: a header line, tabs, "\n", fixed formats.
 *
 * No quoting: a field holds no tab and no newline. Numbers are written by the caller in a
 * fixed format ("%.6g" in data files), so equal results are equal bytes.
 */
#ifndef KIT_TSV_H
#define KIT_TSV_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/error.h"

/* A table in memory. All-zero is empty. */
struct tsv {
    struct buf text; /* owns the bytes */
    char **cell;     /* n_rows * n_columns, borrowed from text */
    char **column;   /* n_columns names, borrowed from text */
    size_t n_rows, n_columns;
    size_t rows_before; /* of a part of a table: in the file before it */
    const char *path;   /* borrowed from the caller; for messages */
};

/* E_INPUT with path and line when a row has another number of fields than the header. */
int tsv_read(struct tsv *t, const char *path, struct error *err);
void tsv_release(struct tsv *t);
/* The index of a column, or -1. */
int tsv_find(const struct tsv *t, const char *column);
/* The index of a column, or E_INPUT that names it and the columns that are there. */
int tsv_column(const struct tsv *t, const char *column, struct error *err);
/* The line of its file in which a row stands. */
size_t tsv_line(const struct tsv *t, size_t row);
const char *tsv_get(const struct tsv *t, size_t row, int column);
int tsv_double(const struct tsv *t, size_t row, int column, double *x, struct error *err);
int tsv_long(const struct tsv *t, size_t row, int column, long *x, struct error *err);

/* Writing: build the lines in a buf, then tsv_write() puts them at path. */
int tsv_write(const char *path, const struct buf *text, struct error *err);

#endif
