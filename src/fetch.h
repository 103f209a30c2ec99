/*
 * fetch - an import from the network, brought into the store.
 *
 * What has come of a file is kept when a run ends early, in the folder of checkpoints,
 * and continued by the next one. The whole is checked against its pin before it becomes
 * an object; nothing stays of what does not fit. One process fetches a file at a time;
 * others wait for it.
 */
#ifndef LARDER_FETCH_H
#define LARDER_FETCH_H

#include "larder/buf.h"
#include "larder/error.h"
#include "larder/record.h"
#include "larder/store.h"
#include "plan.h"
#include "say.h"

enum { FETCH_DONE = 0, FETCH_FAILED = 1, FETCH_AWAY = 3 };

/* FETCH_DONE with the object; with what became of it appended to story, FETCH_AWAY when
 * the server may have it another time, else FETCH_FAILED; or an error of this machine. */
int fetch_source(struct store *st, const struct say *say, const struct source *s,
                 const char *url, struct object *o, struct buf *story, struct error *err);

/* FETCH_DONE with the object when the store has what the source is pinned to, and it is
 * whole; else FETCH_FAILED, or an error. */
int fetch_find(struct store *st, const struct source *s, struct object *o,
               struct error *err);

#endif
