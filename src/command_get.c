#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"

#include "lookup.h"
#include "place.h"
#include "session.h"

/* What is to be placed where. */
struct wish {
    struct step *step;
    int output;
    const char *to;
};

/* STEP.OUTPUT: the step may be a stage that has one step. */
static int find_output(struct session *s, const char *name, struct wish *w,
                       struct error *err)
{
    const char *dot = strrchr(name, '.');
    char *step = dot ? arena_strndup(&s->arena, name, (size_t)(dot - name)) : NULL;
    size_t n = 0;
    int rc;

    if (!dot)
        return error_set(err, E_USAGE, "%s is neither a target nor STEP.OUTPUT", name);
    rc = session_choose(s, (const char *[]){ step }, 1, err);
    for (size_t i = 0; rc == 0 && i < s->plan->n_steps; i++)
        if (s->chosen[i]) {
            w->step = s->plan->step[i];
            n++;
        }
    if (rc < 0)
        return rc;
    if (n != 1)
        return error_set(err, E_USAGE,
                         "%s means %zu steps; name one: `larder status -v %s`", step, n,
                         step);
    w->output = step_output_index(w->step, dot + 1);
    if (w->output < 0) {
        const char **known = xcalloc(w->step->n_outputs + 1, sizeof *known), *near;

        for (size_t i = 0; i < w->step->n_outputs; i++)
            known[i] = w->step->output[i].name;
        near = nearest_name(dot + 1, known, w->step->n_outputs);
        rc = error_set(err, E_USAGE, "%s has no output %s%s%s%s", w->step->name, dot + 1,
                       near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        free(known);
    }
    return rc;
}

/* Fills in what is asked for; *wish is new (free()). */
static int find_wishes(struct session *s, struct wish **wish, size_t *n,
                       struct error *err)
{
    const char *name = s->cli->arg[0], *dest = s->cli->n_args > 1 ? s->cli->arg[1] : NULL;
    int rc;

    *n = 0;
    *wish = NULL;
    for (size_t i = 0; i < s->plan->n_targets; i++) {
        const struct target *t = &s->plan->target[i];

        if (strcmp(t->name, name) != 0)
            continue;
        if (!t->n_gets)
            return error_set(err, E_USAGE, "target %s places nothing: it has no `get:`",
                             name);
        if (dest && t->n_gets != 1)
            return error_set(err, E_USAGE,
                             "target %s places %zu things; name one as STEP.OUTPUT", name,
                             t->n_gets);
        *wish = xcalloc(t->n_gets, sizeof **wish);
        for (size_t k = 0; k < t->n_gets; k++)
            (*wish)[(*n)++] = (struct wish){ t->get[k].step, t->get[k].output,
                                             dest ? dest : t->get[k].to };
        return session_choose(s, &name, 1, err);
    }
    *wish = xcalloc(1, sizeof **wish);
    rc = find_output(s, name, *wish, err);
    if (rc == 0) {
        const struct output *out = &(*wish)->step->output[(*wish)->output];

        (*wish)->to = dest ? dest : fs_basename(out->path);
        *n = 1;
    }
    return rc;
}

static int grant(struct session *s, struct places *p, const struct wish *wish,
                 struct error *err)
{
    const struct work *w = work_of(s->work, wish->step);
    int rc;

    if (w->state != WORK_DONE)
        return error_set(err, E_STAGE, "%s is not made yet: `larder run '%s'` makes it",
                         wish->step->name, wish->step->name);
    rc = places_put(p, work_output(w, wish->output), wish->to, s->cli->force, err);
    if (rc >= 0 && !s->cli->quiet)
        printf("%s\n", wish->to);
    return rc < 0 ? rc : 0;
}

int command_get(const struct cli *cli, struct error *err)
{
    struct places *places = NULL;
    struct wish *wish = NULL;
    struct session s;
    size_t n = 0;
    int rc = session_open(&s, cli, err);

    if (rc == 0)
        rc = find_wishes(&s, &wish, &n, err);
    if (rc == 0)
        rc = session_connect(&s, err);
    if (rc == 0)
        rc = lookup_all(&s, false, err);
    if (rc == 0)
        rc = places_open(&places, s.project, s.own, s.store, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = grant(&s, places, &wish[i], err);
    if (rc == 0)
        rc = places_save(places, err);
    places_close(places);
    free(wish);
    session_close(&s);
    return rc;
}
