/*
 * peer - one remote in use: opened when it is first needed, and let alone when it fails.
 *
 * A failure counts as an absence and is told once; after three in a row the remote is not
 * asked for a minute. Of one that is required a failure is an error.
 */
#ifndef LARDER_PEER_H
#define LARDER_PEER_H

#include <stdbool.h>

#include "larder/error.h"
#include "larder/moved.h"
#include "remote.h"

struct peer {
    char *name;  /* in messages */
    char *place; /* behind its scheme */
    const struct remote_kind *kind;
    struct remote *remote; /* NULL until it is opened */
    bool packed;           /* once it is open: small objects are in packs */
    bool required, warned;
    int n_failures;    /* in a row */
    double shut_until; /* by the monotonic clock, after too many of them */
    void (*warn)(void *self, const char *line);
    void *self;
    struct moved moved; /* is told of bytes as they come and go */
};

/* place: "file:/path". E_USAGE when no kind of remote is called so. Fill in required,
 * warn and self afterwards. */
int peer_init(struct peer *p, const char *name, const char *place, struct error *err);
/* One that is open already, and is taken. */
void peer_of(struct peer *p, const char *name, struct remote *remote);
void peer_release(struct peer *p);

/* 1 when it keeps small objects in packs, 0 when not or when it is away, E_REMOTE. */
int peer_is_packed(struct peer *p, struct error *err);
/* As the functions of remote_kind; E_REMOTE only of a peer that is required. */
int peer_get(struct peer *p, const char *name, const struct remote_part *part,
             const struct remote_sink *to, struct error *err);
int peer_has(struct peer *p, const char *name, long long *size, struct error *err);
int peer_put(struct peer *p, const char *name, const struct remote_body *body,
             enum remote_put how, struct error *err);
/* REMOTE_ABSENT also where nothing can be listed. */
int peer_list(struct peer *p, const char *folder,
              void (*tell)(void *self, const char *name), void *self, struct error *err);

/* Makes an empty remote one of this format, before anything is put there. */
int peer_found(struct peer *p, struct error *err);

#endif
