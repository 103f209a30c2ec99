/*
 * spool - records, or attestations, that wait until all they came with has been read, and
 * found right.
 *
 * They may be many and long, so they wait in a file without a name, in the store's tmp/.
 */
#ifndef CACHE_SPOOL_H
#define CACHE_SPOOL_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/store.h"
#include "tempfile.h"

struct spool { /* all-zero is empty */
    struct tempfile file;
    long long size;
    struct spooled {
        long long from;
        size_t size;
    } * text;
    size_t n, cap;
};

/* A record or attestation in its envelope, which was checked. */
int spool_add(struct spool *s, struct store *st, const struct buf *text,
              struct error *err);
/* Reads the i-th into text, which is emptied first. */
int spool_read(const struct spool *s, size_t i, struct buf *text, struct error *err);
/* Keeps all of them, which are records, in the store; their objects are there. */
int spool_keep(struct spool *s, struct store *st, struct error *err);
void spool_release(struct spool *s);

#endif
