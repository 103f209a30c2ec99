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

#endif
