/*
 * remotes - other stores, asked in order for what ours lacks.
 *
 * What a remote says is checked before anything sees it: an object against its name, a
 * record against the key that was asked for and the signature of somebody whom the
 * project trusts. All else is treated as absent. So is what a remote that fails may have,
 * and that is told once: no run fails because of one, unless it is required.
 */
#ifndef LARDER_REMOTES_H
#define LARDER_REMOTES_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/digest.h"
#include "larder/error.h"
#include "larder/moved.h"
#include "larder/record.h"
#include "larder/store.h"
#include "larder/trust.h"

struct remotes;

/* How places are written, for messages. */
#define REMOTE_PLACES \
    "file:/path, https://host/path, s3://bucket/path or oci://host/repository"

/* 0, or E_USAGE, which says what would be one. */
int remote_place_check(const char *place, struct error *err);

/* How remotes are used. All is borrowed until remotes_close(). */
struct remotes_order {
    struct store *store; /* gets what is fetched */
    const struct trust *trust;
    bool required; /* a remote that fails is an error, E_REMOTE */
    void (*warn)(void *self, const char *line);
    /* True when the user wants to stop: what is being fetched then counts as absent. May
     * be NULL; asked again and again while something comes. */
    bool (*stops)(void *self);
    void *self;
};

/* *r is new. It has no remotes yet, so that everything is absent. */
void remotes_open(struct remotes **r, const struct remotes_order *order);
void remotes_close(struct remotes *r); /* NULL is fine */
/* The next one in order; nothing is opened yet. place is as above, name how it is
 * called in messages. E_USAGE when there is no such kind of remote. */
int remotes_add(struct remotes *r, const char *name, const char *place,
                struct error *err);
/* Of all that were added: who hears of bytes on their way. */
void remotes_on_moved(struct remotes *r, struct moved moved);

/* Asks for records of a key, of a step of that stage: the first remote that has any, or,
 * where several keys must agree (trust_k()), all of them. STORE_HIT: store_find() has one
 * now, and *from, borrowed, is the name of the remote it came from. Its objects are still
 * to be fetched, and one or the other may be nowhere. STORE_MISS, or an error of our own
 * store. A miss is remembered for a minute. */
int remotes_find_record(struct remotes *r, const struct digest *key, const char *stage,
                        const char **from, struct error *err);
enum remotes_ask { ASK_ALL, ASK_FOLDERS /* those remotes that are folders here */ };
/* Asks, once, what trusted keys say of a record beside whoever signed it, for
 * store_attestations(). stage as above. No index names attestations: of a server this is
 * a request for each key of whom we have none. 0, or an error of our own store. */
int remotes_find_attestations(struct remotes *r, const struct digest *key,
                              const struct digest *record, const char *stage,
                              enum remotes_ask whom, struct error *err);
/* STORE_HIT when the object, and for a tree everything below it, is in our store now, or
 * was; STORE_MISS when no remote has all of it, or an error of our own store. sync: on
 * the disk before it is seen, which an object needs of a record that says so. */
int remotes_fetch_object(struct remotes *r, const struct object *o, bool sync,
                         struct error *err);

/* STORE_HIT when a remote says that it has the object; what is in a tree is not looked
 * at, and nothing is fetched. STORE_MISS, or an error. */
int remotes_has_object(struct remotes *r, const struct digest *id, struct error *err);

struct remotes_totals {
    size_t n_objects; /* files that were fetched */
    long long bytes;
    size_t n_attestations;
    size_t n_ignored; /* records that were not taken, since we do not trust who signed */
};
/* What came, and what did not. */
void remotes_count_up(const struct remotes *r, struct remotes_totals *t);
/* Tells, by warn, what was ignored and why: a line for each unknown key, for each remote
 * of packs to which no trusted key has given anything, for signatures that do not fit,
 * and for each remote whose objects were not what their names say. */
void remotes_tell_ignored(struct remotes *r);

#endif
