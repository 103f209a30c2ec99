/*
 * published - numbers of a paper, to stand beside those of a run.
 *
 * A TSV `row column value …`, by the printed names of a table; where it has a column
 * `within`, that says how far from the number is near: `2`, or `5%` of it.
 */
#ifndef TABLE_PUBLISHED_H
#define TABLE_PUBLISHED_H

#include <stdbool.h>

#include "kit/tsv.h"
#include "larder/map.h"

struct published { /* all-zero: there is none */
    struct tsv tsv;
    struct map at;     /* "ROW\tCOLUMN" → the row of tsv, from 1 */
    int value, within; /* columns; -1: it has none */
};

/* Does the table have this cell, or, with column NULL, this row? */
typedef bool published_has(const void *table, const char *row, const char *column);

/* Lines of rows that the table does not have are passed over, since a run of fewer sets
 * has fewer; a cell that a row lacks is E_INPUT, and so is a `within` that is none. */
int published_read(struct published *p, const char *path, published_has *has,
                   const void *table, struct error *err);
void published_release(struct published *p);

/* The number of a cell, and how far is near; "" where nothing was said. Borrowed. */
const char *published_value(const struct published *p, const char *row,
                            const char *column);
const char *published_within(const struct published *p, const char *row,
                             const char *column);

/* Whether x is near to a number by the word of `within`; E_INPUT where that is none. */
int published_is_near(double x, double number, const char *within, bool *near,
                      struct error *err);

#endif
