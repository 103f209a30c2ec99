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

void estimate_all(struct session *s)
{
    for (size_t i = s->plan->n_steps;
         i-- > 0;) { /* those that need a step come after it */
        struct work *w = &s->work[i];
        struct record *last = NULL;
        double longest = 0;

        if (!w->wanted || w->state == WORK_DONE)
            continue;
        if (lookup_last(s, w, &last, NULL) == STORE_HIT)
            w->expected = last_wall(last);
        record_free(last);
        for (size_t k = 0; k < w->step->n_users; k++) {
            const struct work *user = work_of(w, w->step->user[k]);

            if (user->wanted && user->ahead > longest)
                longest = user->ahead;
        }
        w->ahead = known(w) + longest;
    }
}
