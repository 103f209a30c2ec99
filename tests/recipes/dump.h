/*
 * dump - a plan as text, for comparison with what a test expects.
 */
#ifndef RECIPES_DUMP_H
#define RECIPES_DUMP_H

#include "larder/buf.h"
#include "plan.h"

/* Appends the whole plan; paths below the project are shown as ./ ones. */
void dump_plan(const struct plan *plan, struct buf *to);

#endif
