#include "temps.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"

/* ---- what may go ------------------------------------------------------------------- */

static bool has_temps(const struct step *step)
{
    for (size_t i = 0; i < step->n_outputs; i++)
        if (step->output[i].temp)
            return true;
    return false;
}

/* Whether an item is, or is made of, an output of a step. */
static bool comes_from(const struct item *item, const struct step *step, size_t output)
{
    for (size_t i = 0; i < item_n_steps(item); i++)
        if (item_step(item, i) == step)
            return step_object_output(step, (size_t)item->output) == output;
    return false;
}

static bool takes(const struct step *user, const struct step *step, size_t output)
{
    for (size_t i = 0; i < user->n_inputs; i++)
        for (size_t j = 0; j < user->input[i].n_items; j++)
            if (comes_from(&user->input[i].item[j], step, output))
                return true;
    return false;
}

static bool is_placed(const struct session *s, const struct step *step, size_t output)
{
    for (size_t i = 0; i < s->plan->n_targets; i++)
        for (size_t k = 0; s->target[i] && k < s->plan->target[i].n_gets; k++)
            if (comes_from(&s->plan->target[i].get[k].item, step, output))
                return true;
    return false;
}

enum fate { GOES, WAITS, STAYS };

static enum fate fate_of(const struct session *s, const struct work *w, size_t output)
{
    const struct step *step = w->step;
    bool taken = false;

    if (!step->output[output].temp || is_placed(s, step, output))
        return STAYS;
    for (size_t i = 0; i < step->n_users; i++) {
        const struct work *user = work_of(w, step->user[i]);

        if (!takes(user->step, step, output))
            continue;
        if (!user->wanted || user->state != WORK_DONE)
            return WAITS;
        taken = true;
    }
    return taken ? GOES : STAYS;
}

/* The plan decides about records of its steps, whatever their keys were. */
static bool is_temporary(void *self, const struct record *rec, const char *output)
{
    const struct session *s = self;
    const struct step *step = plan_find(s->plan, rec->step);
    size_t n = strcspn(output, "/");

    for (size_t i = 0; step && i < step->n_outputs; i++)
        if (strlen(step->output[i].name) == n &&
            !strncmp(step->output[i].name, output, n))
            return step->output[i].temp;
    for (size_t i = 0; i < rec->n_outputs; i++)
        if (!strcmp(rec->output[i].name, output))
            return rec->output[i].temp;
    return false;
}

/* ---- going ------------------------------------------------------------------------- */

/* The run stays known to others: they drop nothing that it is about to use. */
static void tell_error(struct temps *t, const struct error *err)
{
    say_line(&t->s->say, SAY_NORMAL, TONE_PLAIN,
             "what is temporary is not dropped any more in this run: %s", err->text);
    t->known = t->drop;
    t->drop = NULL;
}

/* Holds what is here of the step: what is temporary until it goes, all else for good,
 * since another step, with the same key or the same bytes, may take it for temporary. */
static void hold(struct temps *t, const struct work *w)
{
    struct error err;

    if (!t->drop || t->held[w->step->index] || !w->here)
        return;
    t->held[w->step->index] = true;
    for (size_t i = 0; i < w->step->n_outputs; i++)
        if (drop_hold(t->drop, work_output(w, (int)i), &err) < 0) {
            tell_error(t, &err);
            return;
        }
}

/* Before the first one goes, all that are here are held. */
static void begin(struct temps *t)
{
    const struct plan *plan = t->s->plan;

    if (t->held)
        return;
    t->held = xcalloc(plan->n_steps + 1, sizeof *t->held);
    for (size_t i = 0; i < plan->n_steps; i++)
        if (t->s->work[i].state == WORK_DONE)
            hold(t, &t->s->work[i]);
}

static void tell_dropped(struct temps *t, const struct work *w, size_t i, long long size)
{
    struct buf text = { 0 };

    say_bytes(size, &text);
    say_line(&t->s->say, SAY_VERBOSE, TONE_FAINT, "        %s.%s dropped (%s)",
             w->step->name, w->step->output[i].name, buf_str(&text));
    buf_release(&text);
}

/* False when nothing can go now. */
static bool drop_one(struct temps *t, struct work *w, size_t i)
{
    struct error err;
    long long size = 0;
    int rc;

    begin(t);
    if (!t->drop || !t->held[w->step->index])
        return t->drop != NULL;
    rc = drop_release(t->drop, work_output(w, (int)i), &size, &err);
    if (rc < 0)
        tell_error(t, &err);
    if (rc != DROP_DONE)
        return false;
    w->here = false;
    tell_dropped(t, w, i, size);
    return true;
}

/* The temporary outputs of a step go together. */
static bool drop_step(struct temps *t, struct work *w)
{
    size_t n = 0;

    if (w->state != WORK_DONE)
        return true;
    for (size_t i = 0; i < w->step->n_outputs; i++) {
        enum fate fate = fate_of(t->s, w, i);

        if (fate == WAITS)
            return true;
        n += fate == GOES;
    }
    for (size_t i = 0; i < w->step->n_outputs && n > 0; i++)
        if (fate_of(t->s, w, i) == GOES && !drop_one(t, w, i))
            return false;
    if (n > 0)
        t->held[w->step->index] = false;
    return true;
}

void temps_open(struct temps *t, struct session *s)
{
    *t = (struct temps){ .s = s };
    if (drop_open(&t->drop, s->store, is_temporary, s, NULL) < 0)
        t->drop = NULL; /* a store that can only be read */
}

void temps_close(struct temps *t)
{
    drop_close(t->known);
    drop_close(t->drop);
    free(t->held);
    *t = (struct temps){ 0 };
}

void temps_made(struct temps *t, const struct work *w)
{
    if (t->drop && t->held)
        hold(t, w);
}

void temps_taken(struct temps *t, struct work *w)
{
    for (size_t i = 0; i < w->step->n_needs && t->drop; i++) {
        struct work *need = work_of(w, w->step->need[i]);

        if (need->here && has_temps(need->step) && !drop_step(t, need))
            return;
    }
}

void temps_sweep(struct temps *t)
{
    for (size_t i = 0; t->drop && i < t->s->plan->n_steps; i++) {
        struct work *w = &t->s->work[i];

        if (w->here && has_temps(w->step) && !drop_step(t, w))
            return;
    }
}
