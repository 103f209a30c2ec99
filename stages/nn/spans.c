/*
 * spans - see spans.h.
 *
 * In the order of their beginnings, each goes to the lowest gap that is large enough
 * among those already placed and alive at the same time.
 */
#include "nn/spans.h"

#include <stdbool.h>
#include <stdlib.h>

#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/memory.h"

static int by_beginning(const void *a, const void *b)
{
    const struct span *const *x = a, *const *y = b;

    if ((*x)->from != (*y)->from)
        return (*x)->from < (*y)->from ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

static size_t room(const struct span *s)
{
    size_t n = 0;

    memory_reserve(&n, s->size);
    return n;
}

static bool meet(const struct span *a, const struct span *b)
{
    return a->from <= b->to && b->from <= a->to;
}

/* The lowest gap for s; placed is in the order of places. */
static size_t lowest(const struct span *s, struct span *const *placed, size_t n)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        const struct span *p = placed[i];
        if (!meet(s, p))
            continue;
        if (p->at >= at + room(s))
            break;
        if (p->at + room(p) > at)
            at = p->at + room(p);
    }
    return at;
}

static void insert(struct span **placed, size_t n, struct span *s)
{
    size_t i = n;

    for (; i > 0 && placed[i - 1]->at > s->at; i--)
        placed[i] = placed[i - 1];
    placed[i] = s;
}

size_t spans_place(struct span *s, size_t n)
{
    struct span **order = xcalloc(n + 1, sizeof *order),
                **placed = xcalloc(n + 1, sizeof *placed);
    size_t size = 0, many = 0;

    for (size_t i = 0; i < n; i++)
        if (s[i].size > 0)
            order[many++] = &s[i];
    qsort(order, many, sizeof *order, by_beginning);
    for (size_t i = 0; i < many; i++) {
        order[i]->at = lowest(order[i], placed, i);
        insert(placed, i, order[i]);
        if (order[i]->at + room(order[i]) > size)
            size = order[i]->at + room(order[i]);
    }
    free(placed);
    free(order);
    return size;
}
