#include "work.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

#include "larder/banned.h"

struct work *work_of(const struct work *any, const struct step *step)
{
    return (struct work *)any - any->step->index + step->index;
}

void work_settle(struct work *w, enum work_state state)
{
    w->state = state;
    if (state == WORK_DONE)
        for (size_t i = 0; i < w->step->n_users; i++)
            work_of(w, w->step->user[i])->n_waits--;
}

/* A step that is due waits again; its key is no longer certain. */
static void wait_again(struct work *user)
{
    user->n_waits++;
    if (user->state != WORK_DUE)
        return;
    user->state = WORK_UNKNOWN;
    user->known = user->deep_known = false;
    buf_reset(&user->key_text);
}

void work_recall(struct work *w, struct queue *recalled)
{
    assert(w->state == WORK_DONE && !w->here);
    for (size_t i = 0; i < w->step->n_users; i++)
        wait_again(work_of(w, w->step->user[i]));
    w->recalled = true;
    w->known = w->deep_known = false;
    w->state = WORK_UNKNOWN;
    if (w->n_waits == 0)
        w->state = WORK_DUE;
    queue_add(recalled, w);
}

const struct object *work_recorded(const struct step *step, const struct record *record,
                                   size_t i)
{
    const struct object *o;
    struct buf name = { 0 };

    if (i < step->n_outputs)
        return record_output(record, step->output[i].name);
    step_object_name(step, i, &name);
    o = record_output(record, buf_str(&name));
    buf_release(&name);
    return o;
}

void work_take_record(struct work *w, struct record *record, struct arena *arena)
{
    size_t n = w->step->n_objects;
    struct object *output = arena_alloc(arena, (n + 1) * sizeof *output);

    for (size_t i = 0; i < n; i++)
        output[i] = *work_recorded(w->step, record, i);
    record_free(w->record);
    w->record = record;
    w->record_id = record->id;
    w->output = output;
}

const struct object *work_output(const struct work *w, int output)
{
    assert(w->output);
    return &w->output[output];
}

void work_new(struct work **to, const struct plan *plan, const bool *wanted)
{
    struct work *all = xcalloc(plan->n_steps + 1, sizeof *all);

    for (size_t i = 0; i < plan->n_steps; i++) {
        all[i].step = plan->step[i];
        all[i].wanted = wanted[i];
        all[i].expected = -1;
        all[i].disk = -1;
    }
    *to = all;
}

void work_count_waits(struct work *all, const struct plan *plan)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        struct work *w = &all[i];

        w->n_waits = 0;
        if (!w->wanted || w->state == WORK_DONE)
            continue;
        for (size_t k = 0; k < w->step->n_needs; k++)
            w->n_waits += work_of(w, w->step->need[k])->state != WORK_DONE;
    }
}

void work_free(struct work *all, const struct plan *plan)
{
    if (!all)
        return;
    for (size_t i = 0; i < plan->n_steps; i++) {
        free(all[i].reason);
        free(all[i].advice);
        free(all[i].failure);
        buf_release(&all[i].key_text);
        record_free(all[i].record);
        record_free(all[i].second);
    }
    free(all);
}
