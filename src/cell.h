/*
 * cell - one field of a table, as a user names it: "[row=Clean,column=AlexNet S]:value".
 *
 * A table is a TSV (docs/tables.md): a header line, and fields with tabs between. In
 * brackets stands what the row must hold, so that exactly one is meant; behind them the
 * column that is wanted, `value` where nothing is said. A comma in a value is part of it
 * when what follows it has no `=`.
 */
#ifndef LARDER_CELL_H
#define LARDER_CELL_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/error.h"

/* Appends the field; E_USAGE where there is no such cell, or there are several, with what
 * the table has instead. */
int cell_find(const char *text, size_t n, const char *cell, struct buf *value,
              struct error *err);

#endif
