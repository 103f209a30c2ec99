/*
 * undeclared - what a step looked at that the recipe does not give it, and the line of
 * the recipe that would.
 */
#ifndef LARDER_UNDECLARED_H
#define LARDER_UNDECLARED_H

#include <stdbool.h>

#include "larder/buf.h"
#include "sandbox.h"
#include "session.h"
#include "trace.h"

/* Appends, for each thing that the fence does not permit, a message with the place of the
 * stage in the recipe. log: of a step that failed, else NULL; then also what it looked
 * for in its own folder and is in the recipe's. */
void undeclared_tell(const struct session *s, const struct step *step, struct trace *t,
                     struct fence *f, const char *log, struct buf *to);

/* Whether a log reads as if something was refused, or not found. */
bool undeclared_suspect(const char *log);

#endif
