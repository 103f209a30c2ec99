/*
 * where - values of rows by the name of a column or of an axis, and which rows count.
 */
#ifndef TABLE_WHERE_H
#define TABLE_WHERE_H

#include "table/names.h"
#include "table/records.h"

/* The value of an axis of the record, or else of a column of its file; borrowed. NULL,
 * with E_INPUT in *err, when there is neither. */
const char *where_value(const struct records *r, size_t record, size_t row,
                        const char *name, struct error *err);
/* Does a row fit all conditions, `NAME=VALUE` (word and printed of a map), where !VALUE
 * is anything else? 1, 0, or an error. */
int where_fits(const struct records *r, const struct names *conditions, size_t record,
               size_t row, struct error *err);

#endif
