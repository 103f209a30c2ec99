/*
 * tempfile - a file under tmp/ that becomes an object or a record in one rename.
 *
 *   struct tempfile t = { 0 };
 *   tempfile_open(&t, st, err); write to t.fd; tempfile_publish(&t, path, sync, err);
 *   tempfile_release(&t);     // removes what was not published
 */
#ifndef LARDER_TEMPFILE_H
#define LARDER_TEMPFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/store.h"

struct tempfile {
    char *path; /* NULL: nothing is open */
    int fd;     /* open for reading and writing */
};

int tempfile_open(struct tempfile *t, const struct store *st, struct error *err);
int tempfile_write(struct tempfile *t, const void *bytes, size_t n, struct error *err);
/* Makes the file read-only, gives it its name, replacing what has it, and closes it.
 * sync: its bytes are on the disk before it has the name. *state (may be NULL): of the
 * file. */
int tempfile_publish(struct tempfile *t, const char *path, bool sync,
                     struct fs_state *state, struct error *err);
void tempfile_release(struct tempfile *t);

#endif
