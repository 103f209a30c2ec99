/*
 * pairs - two cells of a row compared picture by picture.
 *
 * Written as one line a comparison (docs/tables.md):
 *
 *   row  a  b  n  both  only_a  only_b  neither  p  from
 *
 * n pictures counted in both records; p is McNemar's mid-p (table/share.h). Of pooled
 * cells n counts answers of all their records, and p is of the bootstrap over pictures
 * (table/bootstrap.h).
 */
#ifndef TABLE_PAIRS_H
#define TABLE_PAIRS_H

#include "table/cells.h"

/* wanted is "A:B,C:D". A:B compares, in each row, every column that has the value A on an
 * axis with the column that has B there and is otherwise the same. E_INPUT when a word is
 * on no column, or two records are not of the same pictures. Of two shares that
 * add up to one only the first is compared; kernel TV has no pairs: only the header is
 * written. */
int pairs_write(struct cells *c, const char *wanted, struct buf *to, struct error *err);

#endif
