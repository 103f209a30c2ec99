/*
 * cells - a result that is a table of numbers (docs/tables.md), by their names.
 */
#ifndef LARDER_CELLS_H
#define LARDER_CELLS_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "larder/store.h"

struct cells { /* all-zero is empty */
    struct buf text;
    struct arena arena;
    struct map cell; /* "ROW / COLUMN" → its value, in the order of the file */
};

/* Reads a file of the store; false where it is no table with columns row, column and
 * value, or has more than a mebibyte. cells_release() in any case. */
bool cells_read(struct cells *c, struct store *st, const struct object *o);
void cells_release(struct cells *c);

#endif
