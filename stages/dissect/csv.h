/*
 * csv - a table of comma-separated fields with a header line, as Broden has them. A field
 * may stand in double quotes, and then hold commas, and quotes written twice; it never
 * holds a newline. Lines may end in "\r\n".
 */
#ifndef DISSECT_CSV_H
#define DISSECT_CSV_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/error.h"

/* All-zero is empty. */
struct csv {
    struct buf text; /* owns the bytes */
    char *path;
    const char **cell;   /* n_rows x n_columns */
    const char **column; /* n_columns names */
    size_t n_rows, n_columns;
};

/* E_INPUT with path and line when a row has another number of fields than the header. */
int csv_read(struct csv *c, const char *path, struct error *err);
void csv_release(struct csv *c);
/* The index of a column, or -1. */
int csv_find(const struct csv *c, const char *column);
/* The index of a column, or E_INPUT that names it. */
int csv_column(const struct csv *c, const char *column, struct error *err);
const char *csv_get(const struct csv *c, size_t row, int column);
/* E_INPUT with path and line when the field is no such number. */
int csv_long(const struct csv *c, size_t row, int column, long least, long most, long *x,
             struct error *err);
int csv_double(const struct csv *c, size_t row, int column, double *x, struct error *err);

#endif
