/*
 * tempfile - a file that is written first and then gets its name, whole, in one call.
 *
 *   struct tempfile t = { 0 };
 *   tempfile_open(&t, st, err); write to t.fd; tempfile_publish(&t, path, ..., err);
 *   tempfile_release(&t);     // removes what was not published
 *
 * Where the file system can, it has no name at all until then, and a kill leaves nothing;
 * else it is tmp/<16 hex> and renamed.
 */
#ifndef LARDER_TEMPFILE_H
#define LARDER_TEMPFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/buf.h"
#include "larder/error.h"
#include "larder/store.h"

struct tempfile {
    struct store *st; /* NULL: nothing is open */
    char *path;       /* in tmp/; NULL: it has no name */
    int fd;           /* open for reading and writing */
    bool stays;       /* when it is not published */
};

int tempfile_open(struct tempfile *t, struct store *st, struct error *err);
/* The one of an object, tmp/<64 hex>, which stays when it is not published, so that a
 * later process goes on behind the *had bytes that are there. Where somebody else has it
 * at this moment, it is one as above. */
int tempfile_resume(struct tempfile *t, struct store *st, const struct digest *id,
                    long long *had, struct error *err);
int tempfile_write(struct tempfile *t, const void *bytes, size_t n, struct error *err);
/* What is told when a write to it, by whom ever, has failed with errno. */
int tempfile_cannot_write(const struct tempfile *t, struct error *err);

enum { PUBLISHED = 0, PUBLISH_EXISTS = 1 };
/* Gives the file, which is read-only from then on, its name, a path in the store, and
 * closes it: PUBLISHED, or PUBLISH_EXISTS, with nothing done, when something has the name
 * and replace is not said. sync: its bytes are on the disk before it has the name. *state
 * (may be NULL): of the file. */
int tempfile_publish(struct tempfile *t, const struct buf *path, bool replace, bool sync,
                     struct fs_state *state, struct error *err);
void tempfile_release(struct tempfile *t);
void tempfile_discard(struct tempfile *t); /* also one that would stay */

/* Links an open file without a name to `to`, below dir, which must be free: 0, or -1 with
 * errno. Only some kernels and users may do so by the descriptor alone. */
int tempfile_link(struct store *st, int fd, int dir, const char *to);

#endif
