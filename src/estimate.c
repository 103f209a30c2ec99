#include "estimate.h"

#include "larder/banned.h"
#include "lookup.h"

/* Unknown ones count as nothing, so that the order of the recipe decides among them. */
static double known(const struct work *w)
{
    return w->expected > 0 ? w->expected : 0;
}

/* What it took when it ran last, with what was done before it was resumed. */
static double last_wall(const struct record *last)
{
    double wall = last->wall;

    for (size_t i = 0; i + 1 < last->starts.n; i++)
        wall += last->starts.segment[i].wall;
    return wall;
}

static long long last_disk(const struct record *last)
{
    long long size = 0;

    for (size_t i = 0; i < last->n_outputs; i++)
        size += last->output[i].object.size;
    return size;
}

/* The recipe's word comes first: what a step took last may be of another profile, whose
 * steps have the same names. */
static void estimate_one(struct session *s, struct work *w)
{
    const struct resources *r = &w->step->resources;
    struct record *last = NULL;

    if (lookup_last(s, w, &last, NULL) == STORE_HIT) {
        w->expected = last_wall(last);
        w->disk = last_disk(last);
    }
    w->declared = r->takes >= 0;
    if (w->declared)
        w->expected = r->takes;
    if (r->disk >= 0)
        w->disk = r->disk;
    record_free(last);
}

void estimate_all(struct session *s)
{
    for (size_t i = s->plan->n_steps;
         i-- > 0;) { /* those that need a step come after it */
        struct work *w = &s->work[i];
        double longest = 0;

        if (!w->wanted || w->state == WORK_DONE)
            continue;
        estimate_one(s, w);
        for (size_t k = 0; k < w->step->n_users; k++) {
            const struct work *user = work_of(w, w->step->user[k]);

            if (user->wanted && user->ahead > longest)
                longest = user->ahead;
        }
        w->ahead = known(w) + longest;
    }
}
