/*
 * lookup - whether a step must run: its key, and a record that answers it.
 *
 * A record answers when all outputs of the step are in it and every object is fine. What
 * is damaged or missing is told, and the step runs again; nothing else does. Which of
 * several records counts, and comes first, believe.h says.
 */
#ifndef LARDER_LOOKUP_H
#define LARDER_LOOKUP_H

#include "larder/error.h"
#include "session.h"
#include "work.h"

/* Looks at every wanted step, in plan order. Afterwards each is WORK_DONE, WORK_DUE, or
 * WORK_UNKNOWN behind one that is not done. heal: damaged objects are put out of the way,
 * as a run that will make them again needs it. */
int lookup_all(struct session *s, bool heal, struct error *err);

/* Once all that w needs is done: computes its key and looks it up; w is then WORK_DONE or
 * WORK_DUE, and w->lacks says so where a source or its program is not there; or again
 * WORK_UNKNOWN, where it is to run and needs steps that are not here: those are recalled,
 * and added to s->recalled. */
int lookup_step(struct session *s, struct work *w, bool heal, struct error *err);

/* Notes why a step cannot run, should it have to. */
void lookup_lacks(struct session *s, struct work *w, const struct error *why);

/* w->record, of a step that is done. */
int lookup_record(struct session *s, struct work *w, struct error *err);

/* Of a step that is done: fetches its outputs from a remote where they are not here;
 * w->here says whether all of them are here now. */
int lookup_bring(struct session *s, struct work *w, struct error *err);
/* The same for its log, which need not be anywhere. */
int lookup_bring_log(struct session *s, struct work *w, struct error *err);
/* Somebody needs the bytes of one of its objects: fetches it, or recalls the step;
 * nothing where it is not done. */
int lookup_need(struct session *s, struct work *w, size_t object, struct error *err);

/* The same for all that is behind an item that somebody asked for by name; E_STAGE where
 * it is not made or cannot be had, or what else it lacks. */
int lookup_item(struct session *s, const struct item *item, struct error *err);

/* Steps that are done are to run once more with what they were made from, to be compared;
 * s->again is set before. First, of each, its key and record are read (E_INPUT where
 * something is not there that the key needs); then what they take and is not here is
 * fetched, or recalled; then they are due. */
int lookup_rerun(struct session *s, struct work *w, struct error *err);
int lookup_rerun_inputs(struct session *s, struct work *w, struct error *err);
void lookup_rerun_due(struct work *w);

/* Looks the key up again, since another process may have recorded it meanwhile. */
int lookup_again(struct session *s, struct work *w, struct error *err);

/* Remembers that this project uses the record of w; true if it used another one before.
 */
bool lookup_remember(struct session *s, const struct work *w);

/* The record that the step of w used last, or before that one: STORE_HIT with *rec new,
 * STORE_MISS or an error. */
int lookup_last(struct session *s, const struct work *w, struct record **rec,
                struct error *err);
int lookup_former(struct session *s, const struct work *w, struct record **rec,
                  struct error *err);

#endif
