#include "eta.h"

#include <stdint.h>
#include <stdlib.h>

#include "larder/banned.h"
#include "larder/map.h"
#include "larder/mem.h"

void eta_init(struct eta *e, const struct plan *plan)
{
    struct map stages = { 0 };

    *e = (struct eta){ .n_steps = plan->n_steps };
    e->stage = xcalloc(plan->n_steps + 1, sizeof *e->stage);
    for (size_t i = 0; i < plan->n_steps; i++) {
        const char *name = plan->step[i]->stage;
        uintptr_t number = (uintptr_t)map_get(&stages, name);

        if (number == 0) {
            number = stages.n + 1;
            map_set(&stages, name, (void *)number);
        }
        e->stage[i] = number - 1;
    }
    e->took = xcalloc(stages.n + 1, sizeof *e->took);
    e->ran = xcalloc(stages.n + 1, sizeof *e->ran);
    e->rest = xcalloc(plan->n_steps + 1, sizeof *e->rest);
    e->way = xcalloc(plan->n_steps + 1, sizeof *e->way);
    map_release(&stages);
}

void eta_release(struct eta *e)
{
    free(e->stage);
    free(e->took);
    free(e->ran);
    free(e->rest);
    free(e->way);
    *e = (struct eta){ 0 };
}

void eta_ran(struct eta *e, const struct work *w)
{
    size_t stage = e->stage[w->step->index];

    e->took[stage] += w->seconds;
    e->ran[stage]++;
}

static double whole(const struct eta *e, const struct work *w)
{
    size_t stage = e->stage[w->step->index];

    if (w->expected >= 0)
        return w->expected;
    return e->ran[stage] > 0 ? e->took[stage] / (double)e->ran[stage] : -1;
}

/* Of one that runs. Its own word counts once it has done a part that tells; one that is
 * over its time is thought to be near its end. */
static double rest_of(const struct eta *e, const struct running *a, double now)
{
    double so_far = now - a->started, all = whole(e, a->work);

    if (a->part > .02)
        return so_far * (1 - a->part) / a->part;
    if (all < 0)
        return -1;
    return all > so_far ? all - so_far : so_far / 10;
}

/* Those that need a step come after it. */
static double longest_behind(const struct eta *e, const struct work *w)
{
    double longest = 0;

    for (size_t k = 0; k < w->step->n_users; k++)
        if (e->way[w->step->user[k]->index] > longest)
            longest = e->way[w->step->user[k]->index];
    return longest;
}

double eta_left(struct eta *e, const struct work *work, const struct running *active,
                size_t n_active, int processors, double now, size_t *unknown)
{
    double sum = 0, longest = 0;

    *unknown = 0;
    for (size_t i = 0; i < e->n_steps; i++) {
        bool open = work[i].wanted && work[i].state <= WORK_RUNNING;

        e->rest[i] = open ? whole(e, &work[i]) : 0;
    }
    for (size_t i = 0; i < n_active; i++)
        e->rest[active[i].work->step->index] = rest_of(e, &active[i], now);
    for (size_t i = e->n_steps; i-- > 0;) {
        int cpu = work[i].step->resources.cpu;
        double rest = e->rest[i] > 0 ? e->rest[i] : 0;

        *unknown += e->rest[i] < 0;
        e->way[i] = rest + longest_behind(e, &work[i]);
        if (e->way[i] > longest)
            longest = e->way[i];
        sum += rest * (cpu < 1 ? 1 : cpu > processors ? processors : cpu);
    }
    sum /= processors > 0 ? processors : 1;
    return sum > longest ? sum : longest;
}
