/*
 * plain - programs that need not be watched, because they open what their arguments name
 * and nothing else.
 *
 * A closed list of the small tools of every system, `cp` and `sort` and their like. One
 * of these counts as plain once it was seen, under a trace, to load the libraries of the
 * system and nothing else, and only in steps whose arguments cannot lead out of the
 * step's folder. All other programs are watched each time.
 */
#ifndef LARDER_PLAIN_H
#define LARDER_PLAIN_H

#include <stdbool.h>

#include "larder/digest.h"
#include "sandbox.h"
#include "trace.h"
#include "work.h"

/* Whether the step can be a plain one; *d then stands for its executable and variables.
 */
bool plain_of(const struct work *w, struct digest *d);
/* Whether what was seen of a step is the libraries of the system and nothing else. These
 * are platform, as for Larder's own programs. */
bool plain_saw(const struct work *w, struct trace *t, struct fence *f);

#endif
