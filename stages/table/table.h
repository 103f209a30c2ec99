/*
 * table - a table as a file: one line a cell (docs/tables.md).
 *
 *   row  column  n  k  value  low  high  unit  from  [paper  delta  within]
 *
 * value, low and high are text in the format in which they are shown; an empty field
 * means that there is no such thing. from holds the SHA-256 of each record that the cell
 * was computed from, joined by commas. paper is what was published, delta the value less
 * that, within how far from it is near (table/published.h). Rows and columns are in the
 * order of their first cell.
 */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include <stdbool.h>

#include "kit/tsv.h"

struct table_cell {
    const char *row, *column;
    const char *n, *k, *value, *low, *high, *unit, *from, *paper, *within;
    /* never NULL; within may be, for "" */
};

/* All-zero is empty. */
struct table {
    struct tsv tsv; /* owns the bytes */
    struct table_cell *cell;
    size_t n;
    const char **row, **column; /* distinct names, in order */
    size_t n_rows, n_columns;
    bool has_paper; /* some cell has a paper's value */
};

/* The header line and one cell, for those who write a table; paper: with the columns
 * paper, delta and within. */
void table_add_header(struct buf *to, bool paper);
void table_add_cell(struct buf *to, const struct table_cell *cell, bool paper);
/* Fills delta, "" where there is nothing to compare; signed, with as many decimals as the
 * one of the two that has more. */
enum { TABLE_DELTA = 40 };
void table_delta(const struct table_cell *cell, char delta[TABLE_DELTA]);
/* "agrees" when the value is as near to the published number as `within` asks; where that
 * is not said, when the published number lies in the cell's interval, or, where it has
 * none, within 5 % of the value; else "apart"; "" where there is nothing to compare. */
const char *table_verdict(const struct table_cell *cell);

/* E_INPUT with the path when a column is missing or a cell stands twice. */
int table_read(struct table *t, const char *path, struct error *err);
void table_release(struct table *t);
/* The cell, or NULL. */
const struct table_cell *table_at(const struct table *t, const char *row,
                                  const char *column);

#endif
