#include "rests.h"

#include <string.h>

#include "larder/banned.h"

#include "cells.h"
#include "item.h"
#include "lookup.h"

enum { TOLD_CELLS = 20, TOLD_STEPS = 50 };

struct rests {
    struct session *s;
    const struct key_id *id;
    bool *of_key;    /* [n_steps]: its record is signed by the key */
    bool *made_from; /* or it needs one that is, or needs one that … */
    size_t n_of_key, n_made_from;
};

/* The record that answers, else the one that the step used last. */
static int read_record(struct session *s, struct work *w, struct record **last,
                       const struct record **rec, struct error *err)
{
    int rc;

    *last = NULL;
    *rec = NULL;
    if (w->state == WORK_DONE) {
        rc = lookup_record(s, w, err);
        *rec = w->record;
        return rc;
    }
    rc = lookup_last(s, w, last, err);
    *rec = rc == STORE_HIT ? *last : NULL;
    return rc < 0 ? rc : 0;
}

static int look_at(struct rests *r, struct work *w, struct error *err)
{
    const struct step *step = w->step;
    const struct record *rec;
    struct record *last;
    int rc = read_record(r->s, w, &last, &rec, err);

    if (rc == 0 && rec && rec->by && !strcmp(rec->by->id.text, r->id->text)) {
        r->of_key[step->index] = true;
        r->n_of_key++;
    }
    for (size_t i = 0; i < step->n_needs && !r->made_from[step->index]; i++) {
        size_t need = step->need[i]->index;

        r->made_from[step->index] = r->of_key[need] || r->made_from[need];
    }
    r->n_made_from += r->made_from[step->index] && !r->of_key[step->index];
    record_free(last);
    return rc;
}

static bool rests_on_it(const struct rests *r, const struct step *step)
{
    return r->of_key[step->index] || r->made_from[step->index];
}

static void tell_steps(const struct rests *r, struct buf *to)
{
    size_t told = 0;

    buf_printf(to, "%zu result%s of that key:\n", r->n_of_key,
               r->n_of_key == 1 ? " is" : "s are");
    for (size_t i = 0; i < r->s->plan->n_steps; i++)
        if (r->of_key[i] && told++ < TOLD_STEPS)
            buf_printf(to, "  %s\n", r->s->plan->step[i]->name);
    if (told > TOLD_STEPS)
        buf_printf(to, "  and %zu more\n", told - TOLD_STEPS);
    if (!r->n_made_from)
        return;
    buf_printf(to, "%zu result%s made from %s:\n", r->n_made_from,
               r->n_made_from == 1 ? " is" : "s are", r->n_of_key == 1 ? "it" : "them");
    told = 0;
    for (size_t i = 0; i < r->s->plan->n_steps; i++)
        if (r->made_from[i] && !r->of_key[i] && told++ < TOLD_STEPS)
            buf_printf(to, "  %s\n", r->s->plan->step[i]->name);
    if (told > TOLD_STEPS)
        buf_printf(to, "  and %zu more\n", told - TOLD_STEPS);
}

/* Where the targets place it, joined by commas. */
static void tell_places(const struct rests *r, const struct step *step, size_t output,
                        struct buf *to)
{
    const struct plan *plan = r->s->plan;
    size_t n = 0;

    for (size_t i = 0; i < plan->n_targets; i++)
        for (size_t k = 0; k < plan->target[i].n_gets; k++) {
            const struct placement *g = &plan->target[i].get[k];

            if (g->item.step == step && (size_t)g->item.output == output)
                buf_printf(to, "%s%s", n++ ? ", " : "", g->to);
        }
}

/* A table's numbers by their names; of other results only those that are placed. */
static bool tell_output(const struct rests *r, const struct step *step, size_t output,
                        struct buf *to)
{
    const struct work *w = &r->s->work[step->index];
    struct cells cells = { 0 };
    struct buf places = { 0 };
    bool table = w->state == WORK_DONE &&
                 cells_read(&cells, r->s->store, &w->output[output]) && cells.cell.n,
         told;

    tell_places(r, step, output, &places);
    told = table || places.len;
    if (told)
        buf_printf(to, "  %s.%s%s%s%s", step->name, step->output[output].name,
                   places.len ? " (" : "", buf_str(&places), places.len ? ")" : "");
    if (table)
        buf_printf(to, ": %zu number%s", cells.cell.n, cells.cell.n == 1 ? "" : "s");
    if (told)
        buf_addc(to, '\n');
    for (size_t i = 0; table && i < cells.cell.n && i < TOLD_CELLS; i++)
        buf_printf(to, "    %s: %s\n", cells.cell.entry[i].key,
                   (const char *)cells.cell.entry[i].value);
    if (table && cells.cell.n > TOLD_CELLS)
        buf_printf(to, "    and %zu more\n", cells.cell.n - TOLD_CELLS);
    buf_release(&places);
    cells_release(&cells);
    return told;
}

static void tell_numbers(const struct rests *r, struct buf *to)
{
    const struct plan *plan = r->s->plan;
    struct buf text = { 0 };

    for (size_t i = 0; i < plan->n_steps; i++)
        for (size_t k = 0; k < plan->step[i]->n_outputs; k++)
            if (rests_on_it(r, plan->step[i]))
                tell_output(r, plan->step[i], k, &text);
    if (text.len)
        buf_printf(to, "so these rest on it:\n%s", buf_str(&text));
    buf_release(&text);
}

static void tell_targets(const struct rests *r, struct buf *to)
{
    const struct plan *plan = r->s->plan;
    struct buf names = { 0 };
    bool *needs = arena_alloc(&r->s->arena, plan->n_steps + 1);

    for (size_t i = 0; i < plan->n_targets; i++) {
        bool rests = false;

        memset(needs, 0, plan->n_steps);
        for (size_t k = 0; k < plan->target[i].n_steps; k++)
            needs[plan->target[i].step[k]->index] = true;
        plan_close(plan, needs);
        for (size_t k = 0; k < plan->n_steps && !rests; k++)
            rests = needs[k] && r->of_key[k];
        if (rests)
            buf_printf(&names, "%s%s", names.len ? ", " : "", plan->target[i].name);
    }
    if (names.len)
        buf_printf(to, "of the targets: %s\n", buf_str(&names));
    buf_release(&names);
}

int rests_tell(struct session *s, const struct key_id *id, struct buf *to,
               struct error *err)
{
    size_t n = s->plan->n_steps + 1;
    struct rests r = { .s = s,
                       .id = id,
                       .of_key = arena_alloc(&s->arena, n),
                       .made_from = arena_alloc(&s->arena, n) };
    int rc = 0;

    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++)
        rc = look_at(&r, &s->work[i], err);
    if (rc < 0)
        return rc;
    if (!r.n_of_key) {
        buf_adds(to, "no result in this project is of that key\n");
        return 0;
    }
    tell_steps(&r, to);
    tell_numbers(&r, to);
    tell_targets(&r, to);
    buf_adds(to, "`larder run` makes them again, or fetches them from others\n");
    return 0;
}
