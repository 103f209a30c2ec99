/*
 * reason - why a step must run, and why it ran.
 *
 * The key document of now is compared with that of the record which the step used last.
 * Where an input changed that another step makes, the reason is looked for there.
 */
#ifndef LARDER_REASON_H
#define LARDER_REASON_H

#include "session.h"
#include "work.h"

/* Of a step that is WORK_DUE: one line, "option epochs: 30 → 31"; new, free(). */
char *reason_of(struct session *s, const struct work *w);

/* Whether a step that is WORK_DUE runs because its program, one of Larder's, is another
 * version. */
bool reason_is_program(struct session *s, const struct work *w);

/* Appends what `larder why` tells: every field that changed with both values, the root
 * cause first. */
int reason_story(struct session *s, struct work *w, struct buf *to, struct error *err);

#endif
