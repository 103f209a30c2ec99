#include "need.h"

#include "larder/banned.h"

#include "identify.h"
#include "item.h"
#include "lookup.h"
#include "place.h"

static int locate_source(struct session *s, const struct source *source,
                         struct error *err)
{
    const struct located *at;

    return facts_locate(s->facts, source, &at, err);
}

static int check_step(struct session *s, const struct slots *slots, struct work *w,
                      struct error *err)
{
    const struct step *step = w->step;
    size_t n_gpus = slots->machine.n_gpus;
    int need = step->resources.gpu_need, rc = 0;

    if (need > 0 && (size_t)need > n_gpus)
        return error_set(err, E_DEVICE, "%s needs %d GPU%s; there %s %zu here",
                         step->name, need, need == 1 ? "" : "s",
                         n_gpus == 1 ? "is" : "are", n_gpus);
    for (size_t i = 0; i < step->n_sources && rc == 0; i++)
        rc = locate_source(s, step->source[i], err);
    return rc < 0 ? rc : identify_program(s, w, err);
}

/* What keeps one step from running, and not those that do without it. */
static bool is_lack(int rc)
{
    return rc == E_INPUT || rc == E_REMOTE || rc == E_DEVICE;
}

int need_check(struct session *s, const struct slots *slots, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++) {
        struct work *w = &s->work[i];

        if (!w->wanted || w->state == WORK_DONE)
            continue;
        if (w->lacks)
            *err = *w->lacks;
        rc = w->lacks ? err->code : check_step(s, slots, w, err);
        if (s->cli->keep_going && is_lack(rc)) {
            lookup_lacks(s, w, err);
            rc = 0;
        }
    }
    return rc;
}

static int look_at(struct session *s, struct work *w, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < w->step->n_sources && rc == 0; i++)
        rc = facts_seek(s->facts, w->step->source[i], err);
    return rc < 0 ? rc : identify_program(s, w, err);
}

int need_look(struct session *s, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++) {
        struct work *w = &s->work[i];

        if (!w->wanted || w->state == WORK_DONE || w->lacks)
            continue;
        rc = look_at(s, w, err);
        if (rc == E_INPUT) {
            lookup_lacks(s, w, err);
            rc = 0;
        }
    }
    return rc;
}

int need_placed(struct session *s, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < s->plan->n_targets; i++)
        for (size_t k = 0; s->target[i] && k < s->plan->target[i].n_gets; k++) {
            const struct placement *g = &s->plan->target[i].get[k];
            struct object o;

            if (!item_is_done(s->work, &g->item))
                continue;
            item_object(s->work, &g->item, &o);
            if (places_stands(s->places, g->to, &o))
                continue;
            for (size_t j = 0; j < item_n_steps(&g->item) && rc == 0; j++)
                rc = lookup_need(s, work_of(s->work, item_step(&g->item, j)),
                                 (size_t)g->item.output, err);
        }
    return rc;
}
