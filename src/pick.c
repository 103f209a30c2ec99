#include "pick.h"

#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "node.h"

#include "larder/banned.h"

static void add(struct picks *p, const struct pick *one)
{
    GROW(p->list, p->n + 1, p->cap);
    p->list[p->n++] = *one;
}

static void add_steps(struct picks *p, const struct plan *plan, const bool *chosen,
                      const char *word)
{
    for (size_t i = 0; i < plan->n_steps; i++)
        if (chosen[i])
            add(p, &(struct pick){ .step = plan->step[i], .output = -1, .word = word });
}

/* The output of that name, or -1. */
static int find_output(const struct step *step, const char *name, size_t n)
{
    for (size_t i = 0; i < step->n_outputs; i++)
        if (strlen(step->output[i].name) == n && !memcmp(step->output[i].name, name, n))
            return (int)i;
    return -1;
}

static int no_output(const struct step *step, const char *name, size_t n,
                     struct error *err)
{
    const char **known = xcalloc(step->n_outputs + 1, sizeof *known);
    char *word = xstrndup(name, n);
    struct buf near = { 0 };

    for (size_t i = 0; i < step->n_outputs; i++)
        known[i] = step->output[i].name;
    suggest_name(&near, word, known, step->n_outputs);
    error_set(err, E_USAGE, "%s has no output %s%s", step->name, word, buf_str(&near));
    buf_release(&near);
    free(word);
    free(known);
    return E_USAGE;
}

/* OUTPUT[/FILE][CELL] of the steps that are chosen: how many picks, or an error. */
static int add_outputs(struct picks *p, struct session *s, const bool *chosen,
                       const char *rest, const char *word, struct error *err)
{
    size_t n = strcspn(rest, "/["), before = p->n;
    const char *cell = strchr(rest, '['), *path = rest[n] == '/' ? rest + n + 1 : NULL;

    for (size_t i = 0; i < s->plan->n_steps; i++) {
        struct pick one = { .step = s->plan->step[i], .cell = cell, .word = word };

        if (!chosen[i])
            continue;
        one.output = find_output(one.step, rest, n);
        if (one.output < 0)
            return no_output(one.step, rest, n, err);
        if (path)
            one.path =
                cell ? arena_strndup(&s->arena, path, (size_t)(cell - path)) : path;
        add(p, &one);
    }
    if (p->n - before > 1 && (path || cell))
        return error_set(
            err, E_USAGE,
            "%s means files of %zu steps; name one: `larder status -v` lists "
            "them",
            word, p->n - before);
    return (int)(p->n - before);
}

/* STEP.OUTPUT and what is in it. A value of an axis and a file may have dots, too: the
 * first one in front of which there are steps is meant. */
static int read_output(struct picks *p, struct session *s, const char *word, bool *chosen,
                       struct error *err)
{
    for (const char *dot = strchr(word, '.'); dot; dot = strchr(dot + 1, '.')) {
        char *step = xstrndup(word, (size_t)(dot - word));
        struct error why = { 0 };
        int rc = plan_choose(s->plan, step, chosen, NULL, &why);

        free(step);
        if (rc == 0)
            return add_outputs(p, s, chosen, dot + 1, word, err);
    }
    return 0;
}

static int read_word(struct picks *p, struct session *s, const char *word,
                     struct error *err)
{
    bool *chosen = xcalloc(s->plan->n_steps + 1, sizeof *chosen);
    struct error why = { 0 };
    int rc = plan_choose(s->plan, word, chosen, NULL, &why);

    if (rc == 0) {
        add_steps(p, s->plan, chosen, word);
    } else {
        rc = read_output(p, s, word, chosen, err);
        if (rc == 0)
            rc = error_set(err, why.code, "%s", why.text);
    }
    free(chosen);
    return rc < 0 ? rc : 0;
}

static int choose(struct picks *p, struct session *s, struct error *err)
{
    const char **name = xcalloc(p->n + 1, sizeof *name);
    int rc;

    for (size_t i = 0; i < p->n; i++)
        name[i] = p->list[i].step->name;
    rc = session_choose(s, name, p->n, err);
    free(name);
    return rc;
}

int picks_read(struct picks *p, struct session *s, const char *const *word, size_t n,
               struct error *err)
{
    int rc = 0;

    if (n == 0) {
        rc = session_choose(s, NULL, 0, err);
        if (rc == 0)
            add_steps(p, s->plan, s->chosen,
                      s->plan->standard ? s->plan->standard : "all");
        return rc;
    }
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = read_word(p, s, word[i], err);
    return rc == 0 ? choose(p, s, err) : rc;
}
