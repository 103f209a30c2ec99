/*
 * trust - whose results this project takes from a remote.
 *
 * The file larder.trust (docs/remote.md) is committed and reviewed like code. It has a
 * line for each key that is trusted, and may be absent. Our own keys are trusted without
 * one. What is neither is treated as if it were not there, and so is what a key has
 * signed that is revoked, be it named there too or our own.
 */
#ifndef LARDER_TRUST_H
#define LARDER_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/sign.h"

struct trusted {
    struct key_id id;
    struct public_key key;
    const char *name;
    const char *stages; /* a glob over the names of stages */
    bool own;           /* one of our own keys, and no line of the file */
    int line;           /* of the file, or 0 */
};

/* What is asked of results of a remote beyond that a key is trusted. */
struct trust_rule {
    const char *stages; /* a glob over the names of stages */
    long k;             /* so many keys must stand for the same outputs; 0: not said */
    double audit;       /* the share that is computed here all the same */
};

struct trust;

/* Reads the file at path; shown is its name in messages. E_INPUT with file, line and
 * column for what is not understood: a word that this version does not know may forbid
 * something. *t is new: trust_close(). */
int trust_open(struct trust **t, const char *path, const char *shown, struct error *err);
void trust_close(struct trust *t); /* NULL is fine */

/* Trusts one of our own keys, for every stage, unless it is revoked. */
void trust_own(struct trust *t, const struct public_key *key, const char *name);

size_t trust_count(const struct trust *t);
const struct trusted *trust_at(const struct trust *t, size_t i); /* borrowed */
/* The first that has this id, or NULL. */
const struct trusted *trust_find(const struct trust *t, const char *id);
bool trust_covers(const struct trusted *who, const char *stage);
/* True when the key is trusted with the results of the stage. */
bool trust_allows(const struct trust *t, const struct public_key *key, const char *stage);
/* True for a stage of which nothing is to be asked of a remote, or given to it. */
bool trust_forbids(const struct trust *t, const char *stage);

/* How many trusted keys must stand for the outputs of a stage, at least 1, and which part
 * of what they gave is computed here too, 0 to 1: the strictest of the lines that fit. */
long trust_k(const struct trust *t, const char *stage);
double trust_audit(const struct trust *t, const char *stage);
/* The line that says that nothing signed with this key counts any more, or 0. */
int trust_revoked(const struct trust *t, const struct key_id *id);

/* Adds a line to the file, unless it is there, or writes it anew without those of a key,
 * by its name or id; E_USAGE when the name is taken, no key is called so, or it was
 * revoked. stages NULL: all. */
int trust_add(struct trust *t, const struct public_key *key, const char *name,
              const char *stages, struct error *err);
int trust_remove(struct trust *t, const char *word, struct error *err);
/* Writes the file anew without the lines of a key, by its name or id, be it one of our
 * own or known by its id alone, and with one that says that it is revoked. *id is whose.
 * E_USAGE when no key is called so, or it is revoked already. */
int trust_revoke(struct trust *t, const char *word, struct key_id *id, struct error *err);

#endif
