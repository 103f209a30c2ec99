/*
 * later - steps that are due, but not before a time.
 */
#ifndef LARDER_LATER_H
#define LARDER_LATER_H

#include <stddef.h>

#include "queue.h"
#include "work.h"

struct later { /* all-zero is empty */
    struct later_step *step;
    size_t n, cap;
};

/* at: by the monotonic clock. */
void later_add(struct later *l, struct work *w, double at);
/* Moves those whose time has come to the queue. */
void later_take(struct later *l, double now, struct queue *due);
/* The first time that one's will have come, at most `latest`. */
double later_next(const struct later *l, double latest);
void later_release(struct later *l);

#endif
