#include "queue.h"

#include <stdlib.h>

#include "larder/banned.h"
#include "larder/mem.h"

/* To the second: less is noise, and the order of the recipe is easier to follow. */
static bool comes_before(const struct work *a, const struct work *b)
{
    long x = (long)a->ahead, y = (long)b->ahead;

    return x != y ? x > y : a->step->index < b->step->index;
}

static void swap(struct queue *q, size_t i, size_t j)
{
    struct work *w = q->heap[i];

    q->heap[i] = q->heap[j];
    q->heap[j] = w;
}

void queue_add(struct queue *q, struct work *w)
{
    size_t i = q->n;

    GROW(q->heap, q->n + 1, q->cap);
    q->heap[q->n++] = w;
    for (; i > 0 && comes_before(q->heap[i], q->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(q, i, (i - 1) / 2);
}

struct work *queue_take(struct queue *q)
{
    struct work *first;
    size_t i = 0;

    if (!q->n)
        return NULL;
    first = q->heap[0];
    q->heap[0] = q->heap[--q->n];
    for (;;) {
        size_t best = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < q->n; child++)
            if (comes_before(q->heap[child], q->heap[best]))
                best = child;
        if (best == i)
            return first;
        swap(q, i, best);
        i = best;
    }
}

void queue_release(struct queue *q)
{
    free(q->heap);
    *q = (struct queue){ 0 };
}
