#include "order.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"

enum { NEW, OPEN, DONE };

/* Where we are in a step: the next item of the next input to look at. */
struct frame {
    struct step *step;
    size_t input, item, part;
};

struct walk {
    struct plan *plan;
    unsigned char *state; /* by step->index, which is the recipe's order here */
    struct frame *frame;
    size_t n, cap;
};

static void push(struct walk *w, struct step *step)
{
    GROW(w->frame, w->n + 1, w->cap);
    w->frame[w->n++] = (struct frame){ .step = step };
    w->state[step->index] = OPEN;
}

/* The next step that a frame needs, or NULL. */
static struct step *next_needed(struct frame *f)
{
    for (; f->input < f->step->n_inputs; f->input++, f->item = 0) {
        const struct input *in = &f->step->input[f->input];
        for (; f->item < in->n_items; f->item++, f->part = 0)
            if (f->part < item_n_steps(&in->item[f->item]))
                return item_step(&in->item[f->item], f->part++);
    }
    return NULL;
}

/* The frames from the one of `step` to the top are a cycle: each needs the next. */
static int tell_cycle(const struct walk *w, const struct step *step, struct error *err)
{
    struct buf text = { 0 };
    size_t first = w->n, shown = 0;
    const struct pos *at;
    int rc;

    while (w->frame[--first].step != step)
        ;
    at = &step->input[w->frame[first].input].pos;
    buf_printf(&text, "a cycle: %s", step->name);
    for (size_t i = first; i < w->n && shown < 8; i++, shown++) {
        const struct frame *f = &w->frame[i];
        const struct step *next = i + 1 < w->n ? w->frame[i + 1].step : step;
        buf_printf(&text, " needs %s (line %d)%s", next->name,
                   f->step->input[f->input].pos.line, i + 1 < w->n ? ", which" : "");
    }
    if (w->n - first > shown)
        buf_adds(&text, " needs more");
    rc = pos_error(at, err, "%s", buf_str(&text));
    buf_release(&text);
    return rc;
}

/* Adds a step after everything it needs. */
static int visit(struct walk *w, struct step *root, struct error *err)
{
    struct plan *plan = w->plan;

    if (w->state[root->index] == DONE)
        return 0;
    push(w, root);
    while (w->n > 0) {
        struct frame *top = &w->frame[w->n - 1];
        struct step *needed = next_needed(top);
        if (!needed) {
            w->state[top->step->index] = DONE;
            plan->step[plan->n_steps++] = top->step;
            w->n--;
        } else if (w->state[needed->index] == OPEN) {
            return tell_cycle(w, needed, err);
        } else if (w->state[needed->index] == NEW) {
            push(w, needed);
        }
    }
    return 0;
}

/* ---- who needs whom ---------------------------------------------------------------- */

static int compare_index(const void *a, const void *b)
{
    const struct step *const *x = a, *const *y = b;

    return ((*x)->index > (*y)->index) - ((*x)->index < (*y)->index);
}

/* seen[i] is the last step, plus one, that was found to need step i. */
static void add_needs(struct step *step, const struct item *item, size_t *seen)
{
    for (size_t i = 0; i < item_n_steps(item); i++) {
        struct step *from = item_step(item, i);

        if (seen[from->index] == step->index + 1)
            continue;
        seen[from->index] = step->index + 1;
        step->need[step->n_needs++] = from;
        from->n_users++;
    }
}

static void find_needs(struct arena *arena, struct step *step, size_t *seen)
{
    size_t max = 0;

    for (size_t i = 0; i < step->n_inputs; i++)
        for (size_t j = 0; j < step->input[i].n_items; j++)
            max += item_n_steps(&step->input[i].item[j]);
    step->need = arena_alloc(arena, (max + 1) * sizeof *step->need);
    for (size_t i = 0; i < step->n_inputs; i++)
        for (size_t j = 0; j < step->input[i].n_items; j++)
            add_needs(step, &step->input[i].item[j], seen);
    if (step->n_needs)
        qsort(step->need, step->n_needs, sizeof *step->need, compare_index);
}

static void add_source(struct step *step, struct source *source)
{
    if (!source)
        return;
    step->source[step->n_sources++] = source;
    source->n_users++;
}

static void find_sources(struct arena *arena, struct step *step)
{
    size_t max = step->n_code + step->n_tools;

    for (size_t i = 0; i < step->n_inputs; i++)
        max += step->input[i].n_items;
    step->source = arena_alloc(arena, (max + 1) * sizeof *step->source);
    for (size_t i = 0; i < step->n_inputs; i++)
        for (size_t j = 0; j < step->input[i].n_items; j++)
            add_source(step, step->input[i].item[j].source);
    for (size_t i = 0; i < step->n_code; i++)
        add_source(step, step->code[i]);
    for (size_t i = 0; i < step->n_tools; i++)
        add_source(step, step->tool[i].source);
}

static void connect_sources(struct plan *plan, struct arena *arena)
{
    for (size_t i = 0; i < plan->n_steps; i++)
        find_sources(arena, plan->step[i]);
    for (size_t i = 0; i < plan->n_sources; i++) {
        struct source *source = plan->source[i];

        source->user = arena_alloc(arena, (source->n_users + 1) * sizeof *source->user);
        source->n_users = 0;
    }
    for (size_t i = 0; i < plan->n_steps; i++)
        for (size_t k = 0; k < plan->step[i]->n_sources; k++) {
            struct source *source = plan->step[i]->source[k];

            source->user[source->n_users++] = plan->step[i];
        }
}

static void connect(struct plan *plan, struct arena *arena)
{
    size_t *seen = xcalloc(plan->n_steps + 1, sizeof *seen);

    for (size_t i = 0; i < plan->n_steps; i++)
        find_needs(arena, plan->step[i], seen);
    for (size_t i = 0; i < plan->n_steps; i++) {
        struct step *step = plan->step[i];

        step->user = arena_alloc(arena, (step->n_users + 1) * sizeof *step->user);
        step->n_users = 0;
        for (size_t k = 0; k < step->n_needs; k++)
            step->need[k]->user[step->need[k]->n_users++] = step;
    }
    free(seen);
}

int order_steps(struct builder *b, struct error *err)
{
    struct walk w = { .plan = b->plan };
    int rc = 0;

    w.state = xcalloc(b->n_steps + 1, 1);
    b->plan->step = arena_alloc(b->arena, (b->n_steps + 1) * sizeof *b->plan->step);
    for (size_t i = 0; i < b->n_steps; i++)
        b->step[i]->index = i;
    for (size_t i = 0; rc == 0 && i < b->n_steps; i++)
        rc = visit(&w, b->step[i], err);
    for (size_t i = 0; i < b->plan->n_steps; i++)
        b->plan->step[i]->index = i;
    free(w.state);
    free(w.frame);
    if (rc == 0) {
        connect(b->plan, b->arena);
        connect_sources(b->plan, b->arena);
    }
    return rc;
}
