/*
 * flatfile - names and the bytes kept under them, in one flat file.
 *
 * Made for what may be lost: the file is mapped, its checksum is tried once, and a file
 * that is torn, of another version or of another kind of machine counts as empty. Changes
 * stay in memory until flatfile_save() replaces the file by a rename; of two processes
 * that save at once the later one wins. Entries that nobody asked for in 90 days are
 * dropped. The layout is in docs/state.md.
 */
#ifndef LARDER_FLATFILE_H
#define LARDER_FLATFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"

struct flatfile;

/* *f is new: flatfile_close(). An absent or unusable file is empty. today: days
 * since 1970. */
int flatfile_open(struct flatfile **t, const char *path, unsigned today,
                  struct error *err);
/* Writes the file, only if something changed. */
int flatfile_save(struct flatfile *t, struct error *err);
void flatfile_close(struct flatfile *t); /* forgets what was not saved; NULL is fine */

/* The bytes under a name and their number, or NULL; borrowed until the next
 * flatfile_put() of that name. They need not be aligned. */
const void *flatfile_get(struct flatfile *t, const char *name, size_t *n);
/* Copies the bytes in. Putting what is there already changes nothing. */
void flatfile_put(struct flatfile *t, const char *name, const void *bytes, size_t n);

#endif
