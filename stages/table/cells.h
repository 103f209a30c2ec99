/*
 * cells - records laid out in rows and columns by what distinguishes them.
 *
 * A row or column is named by the values of some axes of the manifest: stage, arch, kind,
 * … The word `part` stands for the parts of the measure, as if they were an axis. Values
 * of several axes are joined by a space, after each has been replaced by what is printed
 * for it. Rows and columns come in the order of the items, except that the words of a map
 * come first, in its order. Without axes there is one line, called `value`.
 */
#ifndef TABLE_CELLS_H
#define TABLE_CELLS_H

#include "larder/map.h"
#include "table/bootstrap.h"
#include "table/measure.h"
#include "table/names.h"
#include "table/published.h"
#include "table/records.h"

struct cells_options {
    const char *measure;                  /* a name from MEASURES */
    const char *parts;                    /* "a,b": these, in this order; "": all */
    const char *rows, *columns;           /* axes: "stage", "arch,kind", "part" */
    const char *row_names, *column_names; /* "word=Printed,…" */
    const char *only; /* NULL, or a list of lists of pictures: only these count, of each
                         record those of the list whose axes it has */
    bool pool;        /* several records may share a cell: the mean of their shares */
    bool spread; /* several records may share a cell: the mean of their numbers, from the
                    least to the largest; n says how many */
    const char *total; /* the name of a last row that pools each column; "": none */
    const char *paper; /* NULL, or a TSV `row column value …`: published numbers */
};

/* One cell: a part of a record, or of several that are pooled. */
struct cell {
    size_t *record; /* indices into cells.records */
    size_t n_records;
    size_t part;
    size_t row, column; /* places in cells.row and cells.column */
};

/* A row or a column. */
struct line {
    char *label;        /* what is printed */
    const char **value; /* one an axis, borrowed */
};

struct lines {
    struct names axis, printed;
    struct line *line;
    size_t n, cap;
};

/* All-zero is empty. */
struct cells {
    const struct measure *measure;
    struct records records;
    struct measured *measured; /* one a record */
    bool pool, spread;
    struct bootstrap *bootstrap; /* by number of pictures */
    size_t n_bootstraps;
    struct names parts;
    struct lines rows, columns;
    struct cell *cell; /* by row, then column */
    size_t n, cap;
    struct published published;
};

/* Reads the list of records and every record in it. E_INPUT when an axis is missing, a
 * word is unknown, two parts of records fall into one cell, or a published number
 * stands in a row of the table but in no cell of it. */
int cells_read(struct cells *c, const struct cells_options *o, const char *list,
               struct error *err);
void cells_release(struct cells *c);
/* The cell at these places, or NULL. */
const struct cell *cells_at(const struct cells *c, size_t row, size_t column);

/* Of a share: the mean, over the records of a cell, of whether they are right, for each
 * picture in the order of names; new. n: of the pictures. */
double *cells_rights(const struct cells *c, const struct cell *cell, size_t *n);
/* The draws for so many pictures, borrowed until cells_release(). */
const struct bootstrap *cells_bootstrap(struct cells *c, size_t n);

/* Appends the table's text (table/table.h). */
void cells_write(struct cells *c, struct buf *to);

#endif
