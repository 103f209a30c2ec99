/*
 * kind - which steps load the same besides their inputs, so that one trace serves all.
 *
 * Steps with the same program, arguments, variables and files from the recipe's folder
 * are of one kind. A plain program is one that was seen to load shared libraries only and
 * that reads no programs itself. These libraries are platform, as for Larder's own
 * programs, and no list of them is kept.
 */
#ifndef LARDER_KIND_H
#define LARDER_KIND_H

#include <stdbool.h>

#include "larder/digest.h"
#include "sandbox.h"
#include "trace.h"
#include "work.h"

void kind_of(const struct work *w, struct digest *d);

/* The kind of all steps with that executable and those variables; false where the
 * executable cannot be plain. */
bool kind_of_plain(const struct work *w, struct digest *d);
/* Whether a step that was traced ran as a plain program does. */
bool kind_saw_plain(const struct work *w, struct trace *t, struct fence *f);

#endif
