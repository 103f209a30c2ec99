/*
 * lab - a second store that is read and never written: one that another user of this
 * machine, or of its disks, keeps for all (the setting `lab-store`).
 *
 * Whoever names it believes what it says as they believe their own: records without a
 * signature count, those with one as everywhere. What a step needs of it is copied, or
 * reflinked, and hashed on the way; once all outputs of a step are here, so is its
 * record. Where it is absent, or cannot be read, the session does without.
 */
#ifndef LARDER_LAB_H
#define LARDER_LAB_H

#include "larder/error.h"
#include "larder/record.h"
#include "session.h"

/* s->lab, as the settings name it; that it cannot be had is told. */
void lab_open(struct session *s);

/* Whether it seems to have an object, by a look: STORE_HIT, STORE_MISS or an error. */
int lab_has(struct session *s, const struct object *o, struct error *err);
/* STORE_HIT when the object, and for a folder all that is in it, is in our own store now,
 * from there; an all-zero digest is, too. STORE_MISS when it is not there, or not whole,
 * which is told; or an error of our own store. */
int lab_bring(struct session *s, const struct object *o, struct error *err);
/* Keeps a record of it in our own store, which has its outputs; where it lacks its log,
 * without that. 0 or an error. */
int lab_keep(struct session *s, struct record *rec, struct error *err);

#endif
