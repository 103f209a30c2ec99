/*
 * comparator - how an output that was made twice is held against itself: `compare:`.
 */
#ifndef LARDER_COMPARATOR_H
#define LARDER_COMPARATOR_H

#include "input.h"

/* `compare:` of an output; it stands in no key. */
int comparator_fill(const struct filling *f, const struct stage_output *from,
                    struct output *to);
/* "numeric", as the recipe writes it. */
const char *comparator_name(enum compare_kind kind);

#endif
