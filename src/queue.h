/*
 * queue - steps that are due, the one with the longest expected way ahead first, in the
 * order of the recipe where nothing is known.
 */
#ifndef LARDER_QUEUE_H
#define LARDER_QUEUE_H

#include "work.h"

struct queue { /* all-zero is empty */
    struct work **heap;
    size_t n, cap;
};

void queue_add(struct queue *q, struct work *w);
struct work *queue_take(struct queue *q); /* NULL when empty */
void queue_release(struct queue *q);

#endif
