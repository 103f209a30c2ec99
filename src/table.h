/*
 * table - names and the bytes kept under them, in one flat file.
 *
 * Made for what may be lost: the file is mapped, its checksum is tried once, and a file
 * that is torn, of another version or of another kind of machine counts as empty. Changes
 * stay in memory until table_save() replaces the file by a rename; of two processes that
 * save at once the later one wins. Entries that nobody asked for in 90 days are dropped.
 * The layout is in docs/state.md.
 */
#ifndef LARDER_TABLE_H
#define LARDER_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"

struct table;

/* *t is new: table_close(). An absent or unusable file is an empty table. today: days
 * since 1970. */
int table_open(struct table **t, const char *path, unsigned today, struct error *err);
/* Writes the file, only if something changed. */
int table_save(struct table *t, struct error *err);
void table_close(struct table *t); /* forgets what was not saved; NULL is fine */

/* The bytes under a name and their number, or NULL; borrowed until the next table_put()
 * of that name. They need not be aligned. */
const void *table_get(struct table *t, const char *name, size_t *n);
/* Copies the bytes in. Putting what is there already changes nothing. */
void table_put(struct table *t, const char *name, const void *bytes, size_t n);

#endif
