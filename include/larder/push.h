/*
 * push - gives objects and records of our store to a remote.
 *
 * What is given is hashed on the way, or, where the remote has it already, before a new
 * record names it: so nothing is signed that we do not have. Objects come before the
 * record that names them. Only what is damaged there is replaced, so to push again is to
 * go on.
 */
#ifndef LARDER_PUSH_H
#define LARDER_PUSH_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/moved.h"
#include "larder/record.h"
#include "larder/sign.h"
#include "larder/store.h"

struct push;

struct push_totals {
    size_t n_records, n_objects; /* given */
    size_t n_there;              /* records that it had already */
    size_t n_replaced;           /* of those given: what was there was damaged */
    size_t n_attestations;       /* given */
    long long bytes;             /* given, of objects */
};

/* push_open() of this place will follow: what takes a while is begun. */
void push_expect(const char *place);
/* Opens the remote at place ("file:/path", "https://host/path"), called name in messages,
 * and makes an empty one a remote. signer is borrowed. E_REMOTE when it is away. *p is
 * new. */
int push_open(struct push **p, struct store *store, const char *name, const char *place,
              const struct signer *signer, struct error *err);
/* The same for an offer, which is borrowed (offer.h). */
struct offer;
int push_open_offer(struct push **p, struct store *store, struct offer *o,
                    const struct signer *signer, struct error *err);
void push_close(struct push *p); /* NULL is fine */

/* Told of each object of ours that is found damaged or absent, with the story. */
typedef void push_damage(void *self, const struct error *story);
void push_on_damage(struct push *p, push_damage *tell, void *self);
/* Who hears of bytes on their way. */
void push_on_moved(struct push *p, struct moved moved);
/* From here on what the remote has is read, and not only its size is looked at. */
void push_verify(struct push *p);

/* Whether the remote has a record of this key already that we, or who signed this one,
 * have put there: 1, and it counts as there; 0; or E_REMOTE. */
int push_has_record(struct push *p, const struct record *rec, struct error *err);
/* An object, and for a tree all below it. E_CORRUPT when ours, or something below it, is
 * damaged or absent; what else is below a tree is given all the same.
 * check: what the remote has already is hashed here all the same. */
int push_object(struct push *p, const struct object *o, bool check, struct error *err);
/* The record, signed by us, or with the signature it came with. */
int push_record(struct push *p, const struct record *rec, struct error *err);

/* What we, and others, say of the record beside its own signature. Nothing there is
 * replaced. */
int push_attestations(struct push *p, const struct record *rec, struct error *err);

/* Gives what was only collected until now. To be called after the last of these. */
int push_finish(struct push *p, struct error *err);

void push_count_up(const struct push *p, struct push_totals *t);

#endif
