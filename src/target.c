#include "target.h"

#include <string.h>

#include "larder/fs.h"
#include "stage.h"

#include "larder/banned.h"

static int no_stage(struct builder *b, const struct pos *pos, const char *name,
                    struct error *err)
{
    const char **names = builder_names(&b->stages);
    int rc =
        suggest_error(pos, err, name, names, b->stages.n, "there is no stage %s", name);

    free(names);
    return rc;
}

/* ---- get --------------------------------------------------------------------------- */

static bool leads_up(const char *path)
{
    for (const char *s = path; s; s = strchr(s, '/') ? strchr(s, '/') + 1 : NULL)
        if (!strncmp(s, "..", 2) && (s[2] == '/' || !s[2]))
            return true;
    return false;
}

/* A place below the project's folder, in one spelling. */
static int read_place(struct builder *b, const struct node *node, const char **place,
                      struct error *err)
{
    struct buf path = { 0 };

    fs_tidy(&path, node->text);
    *place = arena_strdup(b->arena, buf_str(&path));
    buf_release(&path);
    if (**place == '/' || leads_up(*place) || !**place)
        return pos_error(&node->pos, err,
                         "get: takes a place below the project's folder, as out/NAME");
    if (fs_is_below(*place, ".larder"))
        return pos_error(
            &node->pos, err,
            "get: cannot place an output in .larder/, which is Larder's own; "
            "name another folder");
    return 0;
}

static int read_get(struct builder *b, const struct node *key, const struct node *to,
                    struct placement *p, struct error *err)
{
    static const struct matrix none = { .n = 1 };
    const struct stage *s;
    struct reference r;
    struct members m;
    int rc;

    rc = node_expect(to, NODE_SCALAR, "the place of an output", err);
    if (rc == 0)
        rc = read_place(b, to, &p->to, err);
    if (rc == 0)
        rc = reference_read(&r, b->arena, key, key->text, &key->pos, err);
    if (rc < 0)
        return rc;
    if (r.kind != TO_STAGE)
        return pos_error(&key->pos, err,
                         "get: names the output of a stage, STAGE.OUTPUT");
    s = map_get(&b->stages, r.name);
    if (!s)
        return no_stage(b, &key->pos, r.name, err);
    p->item.output = stage_output_index(s, r.output);
    if (p->item.output < 0) {
        const char *name = s->output[0].name;
        return suggest_error(&key->pos, err, r.output, &name, 1,
                             "stage %s has no output %s", s->name, r.output);
    }
    rc = matrix_select(&s->matrix, s->name, &r, &none, 0, b->arena, &m, err);
    if (rc == 0 && m.n != 1)
        rc = pos_error(&key->pos, err,
                       "get: places one output; this selects %zu: name one, or let a "
                       "stage gather them",
                       m.n);
    if (rc < 0)
        return rc;
    p->pos = key->pos;
    p->item.step = b->step[s->first + m.member[0] * s->n_parts];
    p->item.is_set = s->mapped;
    return 0;
}

static int read_gets(struct builder *b, const struct node *get, struct target *t,
                     struct error *err)
{
    size_t n_steps = 0;
    int rc = node_expect(get, NODE_MAP, "get", err);

    if (rc < 0)
        return rc;
    t->get = arena_alloc(b->arena, (get->n + 1) * sizeof *t->get);
    for (size_t i = 0; i < get->n; i++) {
        rc = read_get(b, get->key[i], get->item[i], &t->get[i], err);
        if (rc < 0)
            return rc;
        for (size_t j = 0; j < i; j++)
            if (!strcmp(t->get[j].to, t->get[i].to))
                return pos_error(&get->item[i]->pos, err,
                                 "%s is the place of two outputs", t->get[i].to);
        n_steps += item_n_steps(&t->get[i].item);
        t->n_gets++;
    }
    t->step = arena_alloc(b->arena, (n_steps + 1) * sizeof *t->step);
    for (size_t i = 0; i < t->n_gets; i++)
        for (size_t j = 0; j < item_n_steps(&t->get[i].item); j++)
            t->step[t->n_steps++] = item_step(&t->get[i].item, j);
    return 0;
}

/* ---- targets ----------------------------------------------------------------------- */

/* A list of names and globs. */
static int read_names(struct builder *b, const struct node *list, struct target *t,
                      struct error *err)
{
    bool *chosen = xcalloc(b->plan->n_steps + 1, sizeof *chosen);
    struct error why = { 0 };
    size_t n = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < list->n; i++) {
        const struct node *item = list->item[i];
        rc = node_expect(item, NODE_SCALAR, "a name in a target", err);
        if (rc == 0 && plan_choose(b->plan, item->text, chosen, NULL, &why) < 0)
            rc = pos_error(&item->pos, err, "%s", why.text);
    }
    for (size_t i = 0; i < b->plan->n_steps; i++)
        n += chosen[i];
    t->step = arena_alloc(b->arena, (n + 1) * sizeof *t->step);
    for (size_t i = 0; i < b->plan->n_steps; i++)
        if (chosen[i])
            t->step[t->n_steps++] = b->plan->step[i];
    free(chosen);
    return rc;
}

static int read_target(struct builder *b, const struct node *key, const struct node *node,
                       struct target *t, struct error *err)
{
    static const char *const known[] = { "get" };
    int rc = node_check_name(key, "a target", err);

    t->name = key->text;
    t->pos = key->pos;
    if (rc == 0 && map_get(&b->stages, key->text))
        rc = pos_error(&key->pos, err, "target %s has the name of a stage", key->text);
    if (rc < 0)
        return rc;
    if (node->kind == NODE_LIST)
        return read_names(b, node, t, err);
    rc = node_check_keys(node, arena_printf(b->arena, "target %s", t->name), known, 1,
                         err);
    if (rc == 0 && !node_get(node, "get"))
        rc = pos_error(&node->pos, err, "target %s is neither get: nor a list of names",
                       t->name);
    return rc < 0 ? rc : read_gets(b, node_get(node, "get"), t, err);
}

/* The folders that p lies in are no places themselves. */
static int check_alone(const struct map *places, const struct placement *p,
                       struct error *err)
{
    const struct placement *outer = NULL;
    struct buf path = { 0 };

    for (const char *s = strchr(p->to, '/'); s && !outer; s = strchr(s + 1, '/')) {
        buf_reset(&path);
        buf_add(&path, p->to, (size_t)(s - p->to));
        outer = map_get(places, buf_str(&path));
    }
    buf_release(&path);
    if (!outer)
        return 0;
    return pos_error(
        &p->pos, err,
        "get: %s lies in %s, which is the place of another output, at %s:%d; "
        "name a place outside of it",
        p->to, outer->to, outer->pos.file, outer->pos.line);
}

/* Any targets may be asked for together: no place is in another. */
static int check_apart(const struct plan *plan, struct error *err)
{
    struct map places = { 0 };
    int rc = 0;

    for (size_t i = 0; i < plan->n_targets; i++)
        for (size_t k = 0; k < plan->target[i].n_gets; k++)
            map_set(&places, plan->target[i].get[k].to, &plan->target[i].get[k]);
    for (size_t i = 0; i < plan->n_targets; i++)
        for (size_t k = 0; k < plan->target[i].n_gets && rc == 0; k++)
            rc = check_alone(&places, &plan->target[i].get[k], err);
    map_release(&places);
    return rc;
}

int targets_read(struct builder *b, struct error *err)
{
    const struct node *targets = node_get(b->recipe->root, "targets");
    const struct node *standard =
        node_get(node_get(b->recipe->root, "default"), "target");
    struct plan *plan = b->plan;
    struct error why = { 0 };
    size_t n = targets ? targets->n : 0;
    bool *chosen;
    int rc = 0;

    struct target *target = arena_alloc(b->arena, (n + 1) * sizeof *target);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = read_target(b, targets->key[i], targets->item[i], &target[i], err);
    plan->target = target;
    plan->n_targets = n;
    if (rc == 0)
        rc = check_apart(plan, err);
    if (rc < 0 || !standard)
        return rc;
    chosen = xcalloc(plan->n_steps + 1, sizeof *chosen);
    plan->standard = standard->text;
    if (plan_choose(plan, standard->text, chosen, NULL, &why) < 0)
        rc = pos_error(&standard->pos, err, "%s", why.text);
    free(chosen);
    return rc;
}
