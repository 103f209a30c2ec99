#include "later.h"

#include <stdlib.h>

#include "larder/banned.h"
#include "larder/mem.h"

struct later_step {
    struct work *work;
    double at;
};

void later_add(struct later *l, struct work *w, double at)
{
    GROW(l->step, l->n + 1, l->cap);
    l->step[l->n++] = (struct later_step){ w, at };
}

void later_take(struct later *l, double now, struct queue *due)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        if (l->step[i].at <= now)
            queue_add(due, l->step[i].work);
        else
            l->step[n++] = l->step[i];
    l->n = n;
}

double later_next(const struct later *l, double latest)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->step[i].at < latest)
            latest = l->step[i].at;
    return latest;
}

void later_release(struct later *l)
{
    free(l->step);
    *l = (struct later){ 0 };
}
