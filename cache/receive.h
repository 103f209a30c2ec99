/*
 * receive - an object that arrives from somewhere else, in pieces.
 *
 * It is hashed on the way into tmp/, stopped at the first byte beyond its size, and gets
 * its name only if its bytes are what the name says. Nobody ever sees anything else.
 *
 *   struct receive r = { 0 };
 *   receive_open(&r, st, &id, size, max, err); receive_take(&r, bytes, n, err); ...
 *   receive_close(&r, sync, err);    receive_release(&r);
 */
#ifndef LARDER_RECEIVE_H
#define LARDER_RECEIVE_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/store.h"
#include "tempfile.h"

enum { RESUMED_MIN = 64 << 20 }; /* from this size on it is worth it */

struct sidehash;

struct receive {
    struct store *st;
    struct digest id;
    long long size; /* -1: not known */
    long long max, got;
    long long had; /* bytes that were there before */
    struct hasher *hasher;
    struct sidehash *beside; /* hashes and writes instead; borrowed, NULL: none */
    bool checked;
    struct tempfile temp;
    struct buf *copy; /* gets the bytes too, or NULL */
    int rc;           /* of the first thing that went wrong here, not at the sender */
};

/* size -1: not known, at most max. copy may be NULL; it is borrowed. */
int receive_open(struct receive *r, struct store *st, const struct digest *id,
                 long long size, long long max, struct buf *copy, struct error *err);
/* The same of a large one, of which what came stays in tmp/ when it breaks off: the bytes
 * that are there already, r->had of them, are taken as the first ones. */
int receive_resume(struct receive *r, struct store *st, const struct digest *id,
                   long long size, struct sidehash *beside, struct error *err);
/* What comes is hashed and written on another thread. */
void receive_beside(struct receive *r, struct sidehash *beside);
/* E_CORRUPT when there are too many bytes. */
int receive_take(struct receive *r, const void *bytes, size_t n, struct error *err);
/* All bytes are there: E_CORRUPT when they are not the object's. */
int receive_check(struct receive *r, struct error *err);
/* Gives it its name; receive_check() has been passed. */
int receive_publish(struct receive *r, bool sync, struct error *err);
void receive_release(struct receive *r);

#endif
