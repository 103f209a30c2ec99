/*
 * packs - what a remote keeps of small objects and of records, many in one file
 * (docs/adr/0015, docs/remote.md).
 *
 * Who has pushed stands for it with a signed root, whose number goes up by one each time.
 * The latest one names indexes, and these say where in which pack an object or record is.
 * Packs are read by ranges: first what is asked for, then more and more of what follows.
 */
#ifndef LARDER_PACKS_H
#define LARDER_PACKS_H

#include "catalog.h"
#include "larder/sign.h"
#include "larder/store.h"
#include "peer.h"

/* Larger objects are files of their own. */
enum { PACKED_MAX = 4 << 20 };
/* A root in its envelope, and an index, are no longer than this. */
enum { ROOT_MAX = 1 << 20, INDEX_MAX = 1 << 30 };

struct root_index {
    struct digest id;
    long long size;
};

struct root {
    struct key_id by;
    struct digest id; /* of its text, which the next one names */
    long long number; /* 0: there is none yet */
    struct root_index *index;
    size_t n, cap;
};

struct packs;

/* peer and store are borrowed. tell: of a remote that has gone back; may be NULL. */
struct packs *packs_new(struct peer *peer, struct store *store,
                        void (*tell)(void *self, const char *line), void *self);
void packs_free(struct packs *p); /* NULL is fine */

/* Learns what the owner of the key has put there; once. What cannot be had is not there;
 * an error is one of our own store, or E_REMOTE of a remote that is required. */
int packs_learn(struct packs *p, const struct public_key *key, struct error *err);
/* Whether none of the keys that were learnt has put anything there. */
bool packs_is_empty(const struct packs *p);
struct catalog *packs_catalog(struct packs *p);
/* The latest root of a key that was learnt; borrowed, to be changed by packer only. */
struct root *packs_root(struct packs *p, const struct key_id *by);

/* REMOTE_DONE, REMOTE_ABSENT or an error. Nothing is verified. */
int packs_get(struct packs *p, const struct catalog_entry *e,
              const struct remote_sink *to, struct error *err);

/* True when the text is the root of that number. */
bool root_is(const char *text, size_t n, long long number);
/* The text of a root, and its name on the remote. */
void root_write(const struct root *r, const struct digest *before, struct buf *to);
void root_name(const struct key_id *by, long long number, struct buf *to);
/* "pack/9f/9f86…" */
void packed_name(const char *what, const struct digest *id, struct buf *to);
/* Remembers the envelope of a root that is there. Best effort. */
void packs_remember(struct packs *p, const struct root *r, const struct buf *envelope);

#endif
