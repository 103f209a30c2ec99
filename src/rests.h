/*
 * rests - what of a project rests on results that one key has signed.
 */
#ifndef LARDER_RESTS_H
#define LARDER_RESTS_H

#include "larder/buf.h"
#include "larder/error.h"
#include "larder/sign.h"
#include "session.h"

/* Appends the steps whose results the key has signed, how many are made from them, and
 * the numbers that come of these: what targets place, and the cells of tables. To be
 * called while the key still counts, of a session that was begun and looked up. */
int rests_tell(struct session *s, const struct key_id *id, struct buf *to,
               struct error *err);

#endif
