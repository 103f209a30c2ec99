/*
 * hit - on what a result rests that was not made in this run: which record, whose, since
 * when it is here, and what others say that made the same.
 */
#ifndef LARDER_HIT_H
#define LARDER_HIT_H

#include "session.h"
#include "work.h"

/* Appends what `larder why --hit` tells of a step. */
int hit_story(struct session *s, struct work *w, struct buf *to, struct error *err);

/* Of a step that is done and whose record was read: a line for each attestation of it,
 * and what other records of its key say. */
int hit_others(struct session *s, struct work *w, struct buf *to, struct error *err);

#endif
