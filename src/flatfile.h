/*
 * flatfile - names and the bytes kept under them, in one flat file.
 *
 * Made for what may be lost. The file is mapped and no more of it is read than is asked
 * for; each entry has a checksum, and one that is torn is as good as absent. Few changes
 * are appended to a second file beside it, many replace both by a rename; of two
 * processes that save at once the later one may win. Entries that nobody asked for in 90
 * days are dropped. The layout is in docs/state.md.
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
