#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "cost.h"
#include "estimate.h"
#include "lookup.h"
#include "need.h"
#include "place.h"
#include "reason.h"
#include "session.h"
#include "sharing.h"

/* What a look at the plan found. */
struct outlook {
    size_t done, due, unknown;
    double due_s, unknown_s; /* seconds, as far as they are known */
};

static void look_at(struct outlook *o, const struct work *w)
{
    double seconds = w->expected > 0 ? w->expected : 0;

    if (!w->wanted)
        return;
    if (w->state == WORK_DONE) {
        o->done++;
    } else if (w->state == WORK_DUE) {
        o->due++;
        o->due_s += seconds;
    } else {
        o->unknown++;
        o->unknown_s += seconds;
    }
}

/* What targets place has to be here, unless it stands in its place. */
static int look_at_places(struct session *s, struct error *err)
{
    int rc = places_open(&s->places, s->project, s->own, s->store, LINK_AUTO, false, err);

    if (rc == 0)
        rc = need_placed(s, err);
    places_close(s->places);
    s->places = NULL;
    return rc;
}

static int look(struct session *s, const struct cli *cli, bool ask, struct outlook *o,
                struct error *err)
{
    int rc = session_begin(s, cli, cli->arg, cli->n_args, err);

    *o = (struct outlook){ 0 };
    s->would_fetch.only_counted = true;
    if (rc == 0)
        session_borrow_proof(s);
    if (rc == 0 && ask)
        rc = sharing_open(s, err);
    if (rc == 0)
        rc = lookup_all(s, false, err);
    if (rc == 0 && ask)
        rc = need_look(s, err);
    if (rc == 0 && ask)
        rc = look_at_places(s, err);
    if (rc != 0)
        return rc;
    estimate_all(s);
    for (size_t i = 0; i < s->plan->n_steps; i++) {
        struct work *w = &s->work[i];

        look_at(o, w);
        if (w->wanted && (w->state == WORK_DUE || w->lacks))
            w->reason = reason_of(s, w);
    }
    return 0;
}

/* The first step, on the way to w, that is not done but can be run now. */
static const struct work *first_due(const struct work *w)
{
    while (w->state != WORK_DUE)
        for (size_t i = 0; i < w->step->n_needs; i++) {
            const struct work *need = work_of(w, w->step->need[i]);

            if (need->state != WORK_DONE) {
                w = need;
                break;
            }
        }
    return w;
}

static const char *state_word(const struct work *w)
{
    return w->state == WORK_DONE ? "done" : w->state == WORK_DUE ? "run" : "undecided";
}

static json_t *cost_json(const struct cost *c)
{
    return json_pack("{s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "seconds_gpu",
                     c->gpu_s, "seconds_cpu", c->cpu_s, "steps_measured",
                     (json_int_t)c->n_measured, "steps_declared",
                     (json_int_t)c->n_declared, "steps_without", (json_int_t)c->n_unknown,
                     "import_bytes", (json_int_t)c->imports, "import_bytes_absent",
                     (json_int_t)c->absent, "imports_without", (json_int_t)c->n_unsized,
                     "disk_bytes", (json_int_t)c->disk, "steps_without_disk",
                     (json_int_t)c->n_undisked);
}

/* cost: of what is to run, or NULL. */
static void print_json(const struct session *s, const struct outlook *o,
                       const struct cost *cost)
{
    json_t *steps = json_array();
    json_t *all;

    for (size_t i = 0; i < s->plan->n_steps; i++) {
        const struct work *w = &s->work[i];
        json_t *one;

        if (!w->wanted)
            continue;
        one = json_pack("{s:s, s:s}", "step", w->step->name, "state", state_word(w));
        if (w->reason)
            json_object_set_new(one, "reason", json_string(w->reason));
        if (w->state == WORK_UNKNOWN)
            json_object_set_new(one, "after", json_string(first_due(w)->step->name));
        if (w->expected >= 0)
            json_object_set_new(one, "seconds", json_real(w->expected));
        if (w->declared)
            json_object_set_new(one, "declared", json_true());
        json_array_append_new(steps, one);
    }
    all = json_pack("{s:o, s:I, s:I, s:I, s:f, s:f}", "steps", steps, "run",
                    (json_int_t)o->due, "undecided", (json_int_t)o->unknown, "done",
                    (json_int_t)o->done, "seconds", o->due_s, "seconds_undecided",
                    o->unknown_s);
    if (cost) {
        json_object_set_new(all, "cost", cost_json(cost));
        json_object_set_new(all, "fetch",
                            json_pack("{s:I, s:I}", "objects",
                                      (json_int_t)s->would_fetch.n, "bytes",
                                      (json_int_t)s->would_fetch.bytes));
    }
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(all);
}

static void print_step(const struct work *w)
{
    struct buf line = { 0 };

    if (w->lacks)
        buf_printf(&line, "%s cannot run: %s", w->step->name, w->reason);
    else if (w->state == WORK_DUE)
        buf_printf(&line, "%s runs: %s", w->step->name, w->reason);
    else
        buf_printf(&line, "%s will be decided when %s is done", w->step->name,
                   first_due(w)->step->name);
    if (w->expected >= 0) {
        buf_adds(&line, w->declared ? " (declared: " : " (took ");
        say_seconds(w->expected, &line);
        buf_addc(&line, ')');
    }
    puts(buf_str(&line));
    buf_release(&line);
}

static void print_outlook(const struct outlook *o)
{
    struct buf line = { 0 };

    buf_printf(&line, "%zu steps: %zu to run", o->done + o->due + o->unknown, o->due);
    if (o->unknown)
        buf_printf(&line, ", %zu to be decided", o->unknown);
    buf_printf(&line, ", %zu done", o->done);
    if (o->due_s > 0 || o->unknown_s > 0) {
        buf_adds(&line, "; about ");
        say_seconds(o->due_s, &line);
        if (o->unknown) {
            buf_adds(&line, " to ");
            say_seconds(o->due_s + o->unknown_s, &line);
        }
        buf_adds(&line, " of work");
    }
    puts(buf_str(&line));
    buf_release(&line);
}

static void print_fetches(const struct would_fetch *f)
{
    struct buf line = { 0 };

    if (!f->n)
        return;
    buf_printf(&line, "to be fetched: %zu object%s, ", f->n, f->n == 1 ? "" : "s");
    say_bytes(f->bytes, &line);
    puts(buf_str(&line));
    buf_release(&line);
}

static void print_cost(const struct cost *c)
{
    struct buf line = { 0 };

    cost_write(c, &line);
    if (line.len)
        puts(buf_str(&line));
    buf_release(&line);
}

/* "programs are others than before: train (6 steps), cue (3 steps)": after an upgrade. */
static void print_programs(struct session *s)
{
    struct map seen = { 0 };
    struct buf line = { 0 };
    struct arena arena = { 0 };

    for (size_t i = 0; i < s->plan->n_steps; i++) {
        const struct work *w = &s->work[i];
        size_t *n;

        if (!w->wanted || w->state != WORK_DUE || !reason_is_program(s, w))
            continue;
        n = map_get(&seen, w->step->program->name);
        if (!n) {
            n = arena_alloc(&arena, sizeof *n);
            map_set(&seen, w->step->program->name, n);
        }
        ++*n;
    }
    for (size_t i = 0; i < seen.n; i++) {
        size_t n = *(size_t *)seen.entry[i].value;

        buf_printf(&line, "%s%s (%zu step%s)", i ? ", " : "", seen.entry[i].key, n,
                   n == 1 ? "" : "s");
    }
    if (seen.n)
        printf("programs are other versions than before: %s\n", buf_str(&line));
    map_release(&seen);
    arena_release(&arena);
    buf_release(&line);
}

static int exit_status(const struct cli *cli, const struct outlook *o)
{
    return cli->exit_code && (o->due || o->unknown) ? EXIT_WORK_FOUND : 0;
}

int command_plan(const struct cli *cli, struct error *err)
{
    struct outlook o;
    struct cost cost;
    struct session s = { 0 };
    int rc = look(&s, cli, true, &o, err);

    if (rc == 0)
        cost_of(&cost, &s);
    if (rc == 0 && cli->json) {
        print_json(&s, &o, &cost);
    } else if (rc == 0) {
        for (size_t i = 0; i < s.plan->n_steps; i++)
            if (s.work[i].wanted && s.work[i].state != WORK_DONE)
                print_step(&s.work[i]);
        print_outlook(&o);
        print_fetches(&s.would_fetch);
        print_programs(&s);
        print_cost(&cost);
    }
    session_close(&s);
    return rc == 0 ? exit_status(cli, &o) : rc;
}

static void print_stage(const char *stage, const struct outlook *o)
{
    size_t n = o->done + o->due + o->unknown;

    if (o->done == n)
        printf("%-24s %3zu of %zu done\n", stage, o->done, n);
    else if (!o->unknown)
        printf("%-24s %3zu of %zu done, %zu to run\n", stage, o->done, n, o->due);
    else
        printf("%-24s %3zu of %zu done, %zu to run, %zu to be decided\n", stage, o->done,
               n, o->due, o->unknown);
}

static void print_stages(const struct session *s)
{
    struct arena arena = { 0 };
    struct map seen = { 0 };

    for (size_t i = 0; i < s->plan->n_steps; i++) {
        const char *stage = s->plan->step[i]->stage;
        struct outlook *o;

        if (!s->wanted[i])
            continue;
        o = map_get(&seen, stage);
        if (!o) {
            o = arena_alloc(&arena, sizeof *o);
            map_set(&seen, stage, o);
        }
        look_at(o, &s->work[i]);
    }
    for (size_t i = 0; i < seen.n; i++)
        print_stage(seen.entry[i].key, seen.entry[i].value);
    map_release(&seen);
    arena_release(&arena);
}

static void print_status(const struct session *s)
{
    if (s->say.level < SAY_VERBOSE) {
        print_stages(s);
        return;
    }
    for (size_t i = 0; i < s->plan->n_steps; i++)
        if (s->wanted[i])
            printf("%-9s %s\n", state_word(&s->work[i]), s->plan->step[i]->name);
}

int command_status(const struct cli *cli, struct error *err)
{
    struct outlook o;
    struct session s = { 0 };
    int rc = look(&s, cli, false, &o, err);

    if (rc == 0 && cli->json) {
        print_json(&s, &o, NULL);
    } else if (rc == 0) {
        print_status(&s);
        print_outlook(&o);
    }
    session_close(&s);
    return rc == 0 ? exit_status(cli, &o) : rc;
}
