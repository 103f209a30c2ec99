/*
 * remote - somebody else's store, as far as any dumb server can be one.
 *
 * A remote keeps files under names like cas/9f/9f86… (docs/remote.md), gives them out,
 * and takes new ones; it replaces one only in the place of a damaged one. What it gives
 * is not to be believed: whoever asks checks it. One struct of functions is a kind of
 * remote.
 */
#ifndef LARDER_REMOTE_H
#define LARDER_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"

struct remote; /* its first member is its kind */

enum { REMOTE_DONE = 0, REMOTE_ABSENT = 1, REMOTE_THERE = 2 };

/* Takes the next n bytes; an error ends the transfer and is what remote_kind.get returns.
 */
struct remote_sink {
    int (*take)(void *self, const void *bytes, size_t n, struct error *err);
    void *self;
};

/* Gives up to n bytes, *got of them: 0 only at the end. An error ends the transfer, and
 * nothing of it stays. again: from the first byte on, since a server asks so. */
struct remote_body {
    int (*give)(void *self, void *bytes, size_t n, size_t *got, struct error *err);
    void (*again)(void *self);
    void *self;
    long long size;
};

/* Some bytes of a file. */
struct remote_part {
    long long from, size;
};

enum remote_put { PUT_NEW, PUT_OVER };

/* Those that can fail return a value of the enum above, or E_REMOTE when the remote is
 * away or refuses, or the error of the sink or body. Names have no `.` in front and no
 * `..`. */
struct remote_kind {
    const char *scheme; /* with which its places begin: "file:" */
    bool packs;         /* a new one keeps small objects in packs (packs.h) */
    /* Whether a place can be one, without the scheme: 0 or E_USAGE. NULL: any can. */
    int (*check)(const char *place, struct error *err);
    /* *r is new. place: without the scheme. */
    int (*open)(struct remote **r, const char *place, struct error *err);
    void (*close)(struct remote *r);
    /* REMOTE_DONE once all bytes have been taken, or REMOTE_ABSENT. part: only these, and
     * all of these; NULL: the whole file. */
    int (*get)(struct remote *r, const char *name, const struct remote_part *part,
               const struct remote_sink *to, struct error *err);
    /* REMOTE_DONE, or REMOTE_THERE: somebody put it there before, and it is not said that
     * this goes over it. Whole or absent. */
    int (*put)(struct remote *r, const char *name, const struct remote_body *body,
               enum remote_put how, struct error *err);
    /* REMOTE_THERE with its size, or -1 where that is not told; or REMOTE_ABSENT. */
    int (*has)(struct remote *r, const char *name, long long *size, struct error *err);
    /* Calls tell for each name in a folder. NULL where that cannot be. */
    int (*list)(struct remote *r, const char *folder,
                void (*tell)(void *self, const char *name), void *self,
                struct error *err);
};

struct remote {
    const struct remote_kind *kind;
};

extern const struct remote_kind remote_folder;             /* file:/path */
extern const struct remote_kind remote_http, remote_https; /* http://host/path */
extern const struct remote_kind remote_s3;                 /* s3://bucket/path */
extern const struct remote_kind remote_oci;                /* oci://host/repository */

#endif
