/*
 * plancopy - a plan, copied into one piece of memory.
 *
 * Nothing in the copy points out of it. A text that stands in many steps is in it once;
 * the words of the recipe, and what was only needed to build the plan, are not.
 */
#ifndef LARDER_PLANCOPY_H
#define LARDER_PLANCOPY_H

#include <stddef.h>

#include "plan.h"

/* Copies the plan to `at`, where room bytes are zero; the struct plan itself comes first.
 * Returns the end of the copy, or NULL where there is not room enough. */
char *plan_copy(const struct plan *from, char *at, size_t room);

#endif
