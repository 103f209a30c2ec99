#include "choose.h"

#include <fnmatch.h>
#include <string.h>

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

/* Whether the step has each axis=value of a list with commas. */
static bool has_values(const struct step *step, const char *list)
{
    while (*list) {
        size_t n = strcspn(list, ","), i = 0;
        for (; i < step->n_axes; i++) {
            size_t len = strlen(step->axis[i]);
            if (n == len + 1 + strlen(step->value[i]) &&
                !strncmp(list, step->axis[i], len) && list[len] == '=' &&
                !strncmp(list + len + 1, step->value[i], n - len - 1))
                break;
        }
        if (i == step->n_axes)
            return false;
        list += n + (list[n] == ',');
    }
    return true;
}

/* STAGE or STAGE@axis=value,...: in any order, some may be left out. */
static bool choose_stage(const struct plan *plan, const char *name, bool *chosen)
{
    size_t n = strcspn(name, "@");
    bool any = false;

    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct step *step = plan->step[i];
        if (strlen(step->stage) != n || strncmp(step->stage, name, n) != 0 ||
            !has_values(step, name + n + (name[n] == '@')))
            continue;
        chosen[i] = any = true;
    }
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
        if (plan->step[i]->n_axes > 0)
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
