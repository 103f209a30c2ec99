#include "work.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"

struct work *work_of(const struct step *step)
{
    return step->run;
}

void work_settle(struct work *w, enum work_state state)
{
    w->state = state;
    if (state == WORK_DONE)
        for (size_t i = 0; i < w->n_users; i++)
            w->user[i]->n_waits--;
}

const struct object *work_output(const struct work *w, int output)
{
    assert(w->record);
    return record_output(w->record, w->step->output[output].name);
}

static void add(struct work ***list, size_t *n, struct work *w)
{
    *list = xrealloc(*list, (*n + 1) * sizeof **list);
    (*list)[(*n)++] = w;
}

static int compare_index(const void *a, const void *b)
{
    const struct work *const *x = a, *const *y = b;

    return ((*x)->step->index > (*y)->step->index) -
           ((*x)->step->index < (*y)->step->index);
}

/* seen[i] is the last step, plus one, that was found to need step i. */
static void connect(struct work *w, size_t *seen)
{
    const struct step *step = w->step;

    for (size_t i = 0; i < step->n_inputs; i++)
        for (size_t j = 0; j < step->input[i].n_items; j++) {
            struct step *from = step->input[i].item[j].step;

            if (!from || seen[from->index] == step->index + 1)
                continue;
            seen[from->index] = step->index + 1;
            add(&w->need, &w->n_needs, work_of(from));
            if (w->wanted)
                add(&work_of(from)->user, &work_of(from)->n_users, w);
        }
    if (w->n_needs)
        qsort(w->need, w->n_needs, sizeof *w->need, compare_index);
    w->n_waits = w->n_needs;
}

/* Room for the objects of the inputs, each list at least one long. */
static void make_room(struct work *w, struct arena *arena)
{
    const struct step *step = w->step;

    w->facts.input = arena_alloc(arena, (step->n_inputs + 1) * sizeof *w->facts.input);
    for (size_t i = 0; i < step->n_inputs; i++)
        w->facts.input[i] =
            arena_alloc(arena, (step->input[i].n_items + 1) * sizeof **w->facts.input);
    w->facts.code = arena_alloc(arena, (step->n_code + 1) * sizeof *w->facts.code);
}

void work_new(struct work **to, struct arena *arena, const struct plan *plan,
              const bool *wanted)
{
    struct work *all = xcalloc(plan->n_steps + 1, sizeof *all);
    size_t *seen = xcalloc(plan->n_steps + 1, sizeof *seen);

    for (size_t i = 0; i < plan->n_steps; i++) {
        struct step *step = plan->step[i];

        all[i].step = step;
        all[i].wanted = wanted[i];
        all[i].expected = -1;
        step->run = &all[i];
        if (wanted[i])
            make_room(&all[i], arena);
        connect(&all[i], seen);
    }
    free(seen);
    *to = all;
}

void work_free(struct work *all, const struct plan *plan)
{
    if (!all)
        return;
    for (size_t i = 0; i < plan->n_steps; i++) {
        free(all[i].need);
        free(all[i].user);
        free(all[i].reason);
        buf_release(&all[i].key_text);
        record_free(all[i].record);
        plan->step[i]->run = NULL;
    }
    free(all);
}
