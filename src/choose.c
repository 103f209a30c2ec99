#include "choose.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "larder/mem.h"
#include "matrix.h"
#include "node.h"

#include "larder/banned.h"

static bool choose_target(const struct plan *plan, const char *name, bool *chosen,
                          bool *targets)
{
    for (size_t i = 0; i < plan->n_targets; i++) {
        const struct target *t = &plan->target[i];
        if (strcmp(t->name, name) != 0)
            continue;
        for (size_t j = 0; j < t->n_steps; j++)
            chosen[t->step[j]->index] = true;
        if (targets)
            targets[i] = true;
        return true;
    }
    return false;
}

/* STAGE@axis=value,... cut at its signs; stage and values may be globs. */
struct wanted {
    char *text; /* ours */
    const char *stage;
    const char *axis[MATRIX_AXES], *value[MATRIX_AXES];
    size_t n;
};

/* The text after the first c, which is cut off, or NULL. */
static char *cut(char *s, char c)
{
    char *at = s ? strchr(s, c) : NULL;

    if (at)
        *at++ = '\0';
    return at;
}

/* False when it cannot be the name of a step; free w->text in any case. */
static bool read_wanted(struct wanted *w, const char *name)
{
    char *rest, *next;

    *w = (struct wanted){ .text = xstrdup(name) };
    w->stage = w->text;
    rest = cut(w->text, '@');
    for (; rest && *rest; rest = next) {
        next = cut(rest, ',');
        if (w->n == MATRIX_AXES)
            return false;
        w->axis[w->n] = rest;
        w->value[w->n] = cut(rest, '=');
        if (!w->value[w->n++])
            return false;
    }
    return true;
}

/* What stands in the step's name for an axis, or for `shard`; or NULL. */
static const char *value_of(const struct step *step, const char *axis)
{
    for (size_t i = 0; i < step->n_axes; i++)
        if (!strcmp(step->axis[i], axis))
            return step->value[i];
    return step->part && !strcmp(axis, "shard") ? strrchr(step->name, '=') + 1 : NULL;
}

static bool fits(const struct wanted *w, const struct step *step)
{
    if (fnmatch(w->stage, step->stage, 0) != 0)
        return false;
    for (size_t i = 0; i < w->n; i++) {
        const char *value = value_of(step, w->axis[i]);
        if (!value || fnmatch(w->value[i], value, 0) != 0)
            return false;
    }
    return true;
}

/* STAGE or STAGE@axis=value,...: in any order, some may be left out. */
static bool choose_stage(const struct plan *plan, const char *name, bool *chosen)
{
    struct wanted w;
    bool any = false;

    if (read_wanted(&w, name))
        for (size_t i = 0; i < plan->n_steps; i++)
            if (fits(&w, plan->step[i]))
                chosen[i] = any = true;
    free(w.text);
    return any;
}

static bool choose_glob(const struct plan *plan, const char *name, bool *chosen)
{
    bool any = false;

    if (!strpbrk(name, "*?["))
        return false;
    for (size_t i = 0; i < plan->n_steps; i++)
        if (fnmatch(name, plan->step[i]->name, 0) == 0)
            chosen[i] = any = true;
    return any;
}

static int no_such_name(const struct plan *plan, const char *name, struct error *err)
{
    const char **names = xcalloc(plan->n_targets + 2 * plan->n_steps + 1, sizeof *names);
    struct buf text = { 0 };
    size_t n = 0;

    for (size_t i = 0; i < plan->n_targets; i++)
        names[n++] = plan->target[i].name;
    for (size_t i = 0; i < plan->n_steps; i++)
        if (i == 0 || strcmp(plan->step[i]->stage, plan->step[i - 1]->stage) != 0)
            names[n++] = plan->step[i]->stage;
    for (size_t i = 0; strchr(name, '@') && i < plan->n_steps; i++)
        if (strchr(plan->step[i]->name, '@'))
            names[n++] = plan->step[i]->name;
    buf_printf(&text, "nothing is called %s", name);
    suggest_name(&text, name, names, n);
    error_set(err, E_USAGE, "%s", buf_str(&text));
    buf_release(&text);
    free(names);
    return E_USAGE;
}

int plan_choose(const struct plan *plan, const char *name, bool *chosen, bool *targets,
                struct error *err)
{
    struct step *step;

    if (choose_target(plan, name, chosen, targets))
        return 0;
    step = plan_find(plan, name);
    if (step) {
        chosen[step->index] = true;
        return 0;
    }
    if (choose_stage(plan, name, chosen) || choose_glob(plan, name, chosen))
        return 0;
    return no_such_name(plan, name, err);
}

void plan_close(const struct plan *plan, bool *chosen)
{
    for (size_t i = plan->n_steps; i-- > 0;) {
        const struct step *step = plan->step[i];
        for (size_t j = 0; chosen[i] && j < step->n_needs; j++)
            chosen[step->need[j]->index] = true;
    }
}
