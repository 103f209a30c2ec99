#include "input.h"

#include <fnmatch.h>
#include <string.h>

#include "import.h"
#include "reference.h"
#include "shards.h"

#include "larder/banned.h"

/* The items that one reference gave. */
struct group {
    const char *stage;           /* for the column `stage` */
    const struct matrix *matrix; /* NULL: a file, which has no axes */
    size_t first, n;             /* in gather.item */
};

/* The items of an input while they are collected. */
struct gather {
    const struct filling *f;
    const struct stage_input *in;
    struct item *item;
    size_t n, cap;
    struct group *group;
    size_t n_groups, cap_groups;
    bool list;
    bool written; /* as a list of the recipe, whatever is in it */
};

static void begin_group(struct gather *g, const char *stage, const struct matrix *matrix)
{
    GROW(g->group, g->n_groups + 1, g->cap_groups);
    g->group[g->n_groups++] = (struct group){ stage, matrix, g->n, 0 };
}

static void add_item(struct gather *g, const struct item *item)
{
    GROW(g->item, g->n + 1, g->cap);
    g->item[g->n++] = *item;
    g->group[g->n_groups - 1].n++;
}

static const char *kind_word(enum object_kind kind, bool set)
{
    return set ? "an image set" : kind == OBJECT_TREE ? "a folder" : "a file";
}

/* A program that takes a folder is not given a file, nor the other way round. Any folder
 * of the user's may be a set. */
static int check_source(const struct gather *g, const struct source *source,
                        const struct pos *pos)
{
    const struct program_port *port = g->in->port;

    if (!port || port->list || port->kind == source->kind)
        return 0;
    return pos_error(
        pos, g->f->err, "input %s of program %s is %s, and %s is %s%s", g->in->name,
        g->f->stage->program->name, kind_word(port->kind, port->set), source->name,
        kind_word(source->kind, false),
        source->kind == OBJECT_FILE ? "; a folder is written with / at its end" : "");
}

/* ---- references -------------------------------------------------------------------- */

static int add_source(struct gather *g, const struct reference *r)
{
    int rc = pos_check_path(&r->pos, r->name, g->f->err);
    struct source *source;

    if (rc < 0)
        return rc;
    source = builder_source(g->f->b, r->name, &r->pos);
    begin_group(g, r->name, NULL);
    add_item(g, &(struct item){ .source = source });
    return check_source(g, source, &r->pos);
}

static int add_import(struct gather *g, const struct reference *r)
{
    struct builder *b = g->f->b;
    struct import *im = map_get(&b->imports, r->name);
    struct members m;
    int rc;

    if (!im) {
        const char **names = builder_names(&b->imports);
        struct pos pos = reference_pos(r, strlen("import."));
        rc = suggest_error(&pos, g->f->err, r->name, names, b->imports.n,
                           "there is no import %s", r->name);
        free(names);
        return rc;
    }
    rc = matrix_select(import_matrix(im), r->name, r, &g->f->stage->matrix, g->f->member,
                       b->arena, &m, g->f->err);
    if (rc < 0)
        return rc;
    begin_group(g, arena_printf(b->arena, "import.%s", r->name), import_matrix(im));
    for (size_t i = 0; rc == 0 && i < m.n; i++) {
        struct source *source = NULL;
        rc = import_source(b, im, m.member[i], &source, g->f->err);
        if (rc == 0)
            rc = check_source(g, source, &r->pos);
        add_item(g, &(struct item){
                        .value = matrix_values(import_matrix(im), b->arena, m.member[i]),
                        .source = source });
    }
    g->list |= m.open;
    return rc;
}

static int no_stage(const struct gather *g, const struct reference *r)
{
    struct builder *b = g->f->b;
    const char **names = builder_names(&b->stages);
    struct pos pos = reference_pos(r, 0);
    int rc = suggest_error(&pos, g->f->err, r->name, names, b->stages.n,
                           "there is no stage %s%s", r->glob ? "like " : "", r->name);

    free(names);
    return rc;
}

static int no_output(const struct gather *g, const struct reference *r,
                     const struct stage *s)
{
    const char **names = xcalloc(s->n_outputs + 1, sizeof *names);
    struct pos pos = reference_pos(r, r->output_at);
    int rc;

    for (size_t i = 0; i < s->n_outputs; i++)
        names[i] = s->output[i].name;
    rc = suggest_error(&pos, g->f->err, r->output, names, s->n_outputs,
                       "stage %s has no output %s", s->name, r->output);
    free(names);
    return rc;
}

/* A program that takes a set or a folder is not given something else. */
static int check_kind(const struct gather *g, const struct reference *r,
                      const struct stage *s, int output)
{
    const struct program_port *port = g->in->port;
    const struct stage_output *o = &s->output[output];
    enum object_kind kind = s->mapped && !g->in->mapped ? OBJECT_TREE : o->kind;
    struct pos pos;
    bool fits;

    if (!port || port->list)
        return 0;
    fits = port->kind == kind && (!port->set || o->set || o->foreign);
    if (fits)
        return 0;
    pos = reference_pos(r, 0);
    return pos_error(&pos, g->f->err, "input %s of program %s is %s, and %s.%s is %s",
                     g->in->name, g->f->stage->program->name,
                     kind_word(port->kind, port->set), s->name, o->name,
                     kind_word(kind, o->set));
}

/* A mapped input takes a sharded set of as many shards as the stage has steps. */
static int check_shards(const struct gather *g, const struct reference *r,
                        const struct stage *s, int output)
{
    const struct stage *own = g->f->stage;
    size_t n = shards_of_output(s, output);
    struct pos pos;

    if (!g->in->mapped || n == own->n_parts)
        return 0;
    pos = reference_pos(r, 0);
    if (n == 0)
        return pos_error(
            &pos, g->f->err,
            "stage %s maps over input %s, and %s.%s is no sharded set; write "
            "out: {%s: {shards: N}} in stage %s",
            own->name, g->in->name, s->name, r->output, r->output, s->name);
    return pos_error(&pos, g->f->err,
                     "stage %s has a step for each of %zu shards, and %s.%s has %zu",
                     own->name, own->n_parts, s->name, r->output, n);
}

static int add_stage(struct gather *g, const struct reference *r, const struct stage *s)
{
    struct builder *b = g->f->b;
    struct members m;
    int output, rc;

    output = stage_output_index(s, r->output);
    if (output < 0)
        return no_output(g, r, s);
    rc = check_kind(g, r, s, output);
    if (rc == 0)
        rc = check_shards(g, r, s, output);
    if (rc == 0)
        rc = matrix_select(&s->matrix, s->name, r, &g->f->stage->matrix, g->f->member,
                           b->arena, &m, g->f->err);
    if (rc < 0)
        return rc;
    begin_group(g, s->name, &s->matrix);
    for (size_t i = 0; i < m.n; i++) {
        struct step *step = b->step[s->first + m.member[i] * s->n_parts];
        add_item(g, &(struct item){ .value = step->value,
                                    .step = step,
                                    .output = output,
                                    .is_set = s->mapped });
    }
    g->list |= m.open;
    return 0;
}

/* The stage of that name, or all that fit it as a glob, in the order of the recipe. */
static int add_stages(struct gather *g, const struct reference *r)
{
    const struct map *stages = &g->f->b->stages;
    const struct stage *s = map_get(stages, r->name);
    bool any = false;
    int rc = 0;

    if (s)
        return add_stage(g, r, s);
    for (size_t i = 0; r->glob && rc == 0 && i < stages->n; i++) {
        if (fnmatch(r->name, stages->entry[i].key, 0) != 0)
            continue;
        rc = add_stage(g, r, stages->entry[i].value);
        any = g->list = true;
    }
    return any ? rc : no_stage(g, r);
}

static int add_reference(struct gather *g, const struct node *node, bool in_list)
{
    const struct filling *f = g->f;
    struct reference r;
    struct value v;
    int rc;

    rc = expr_value(&f->scope, node, arena_printf(f->b->arena, "input %s", g->in->name),
                    &v, f->err);
    if (rc == 0)
        rc = reference_read(&r, f->b->arena, node, v.text, &v.pos, f->err);
    if (rc == 0 && g->in->mapped && r.kind != TO_STAGE)
        rc = pos_error(&v.pos, f->err,
                       "stage %s maps over input %s: it takes the sharded set of another "
                       "stage",
                       f->stage->name, g->in->name);
    if (rc < 0)
        return rc;
    switch (r.kind) {
    case TO_SOURCE:
        return add_source(g, &r);
    case TO_IMPORT:
        return add_import(g, &r);
    case TO_STAGE:
        return add_stages(g, &r);
    case TO_PROVENANCE:
        break;
    }
    if (in_list ||
        (g->in->port && (g->in->port->list || g->in->port->kind == OBJECT_TREE)))
        return pos_error(&v.pos, f->err, "plan.provenance is one file");
    return INPUT_PROVENANCE;
}

/* ---- lists ------------------------------------------------------------------------- */

static size_t find_column(const struct input *in, const char *name)
{
    size_t i = 0;

    while (i < in->n_columns && strcmp(in->column[i], name) != 0)
        i++;
    return i;
}

/* Whether nobody needs to be told where an item comes from. */
static bool one_origin(const struct gather *g)
{
    if (g->written)
        return false;
    for (size_t i = 1; i < g->n_groups; i++)
        if (strcmp(g->group[i].stage, g->group[0].stage) != 0)
            return false;
    return true;
}

/* Columns of items that come from several places: `stage`, then every axis that one of
 * them has, in the order in which they come. */
static void set_columns(const struct gather *g, struct input *in)
{
    struct arena *arena = g->f->b->arena;
    size_t max = 1;

    for (size_t i = 0; i < g->n_groups; i++)
        max += g->group[i].matrix ? g->group[i].matrix->n_axes : 0;
    in->column = arena_alloc(arena, max * sizeof *in->column);
    if (!one_origin(g))
        in->column[in->n_columns++] = "stage";
    for (size_t i = 0; i < g->n_groups; i++) {
        const struct matrix *m = g->group[i].matrix;
        for (size_t j = 0; m && j < m->n_axes; j++)
            if (find_column(in, m->axis[j]) == in->n_columns)
                in->column[in->n_columns++] = m->axis[j];
    }
}

static void set_values(const struct gather *g, const struct group *group,
                       struct input *in)
{
    struct arena *arena = g->f->b->arena;
    const struct matrix *m = group->matrix;
    bool named = in->n_columns > 0 && !strcmp(in->column[0], "stage");

    for (size_t i = group->first; i < group->first + group->n; i++) {
        const char **value = arena_alloc(arena, (in->n_columns + 1) * sizeof *value);
        for (size_t c = 0; c < in->n_columns; c++)
            value[c] = "";
        if (named)
            value[0] = group->stage;
        for (size_t j = 0; m && j < m->n_axes; j++)
            value[find_column(in, m->axis[j])] = in->item[i].value[j];
        in->item[i].value = value;
    }
}

static void make_list(const struct gather *g, struct input *in)
{
    in->kind = INPUT_LIST;
    if (g->n_groups == 1 &&
        !g->written) { /* the usual case: the columns are the stage's axes */
        const struct matrix *m = g->group[0].matrix;
        in->column = m ? m->axis : NULL;
        in->n_columns = m ? m->n_axes : 0;
        return;
    }
    set_columns(g, in);
    for (size_t i = 0; i < g->n_groups; i++)
        set_values(g, &g->group[i], in);
}

/* ---- inputs ------------------------------------------------------------------------ */

static int collect(struct gather *g, const struct node *node)
{
    int rc;

    rc = expr_branch(&g->f->scope, node, &node, g->f->err);
    if (rc < 0)
        return rc;
    if (node->kind != NODE_LIST)
        return add_reference(g, node, false);
    g->list = g->written = true;
    if (node->n == 0)
        return pos_error(&node->pos, g->f->err,
                         "input %s is an empty list: write what it reads, or take it out",
                         g->in->name);
    for (size_t i = 0; rc == 0 && i < node->n; i++)
        rc = add_reference(g, node->item[i], true);
    return rc;
}

static int fill_input(const struct filling *f, const struct stage_input *from,
                      struct input *to)
{
    struct gather g = { .f = f, .in = from };
    const struct program_port *port = from->port;
    int rc = collect(&g, from->node);

    to->name = from->name;
    to->pos = from->node->pos;
    if (rc == INPUT_PROVENANCE) {
        to->kind = INPUT_PROVENANCE;
        rc = 0;
    } else if (rc == 0 && port && !port->list && g.n != 1) {
        rc = pos_error(&to->pos, f->err,
                       "input %s of program %s takes one item; this selects %zu",
                       from->name, f->stage->program->name, g.n);
    } else if (rc == 0) {
        to->item = arena_alloc(f->b->arena, (g.n + 1) * sizeof *to->item);
        memcpy(to->item, g.item, g.n * sizeof *to->item);
        to->n_items = g.n;
        if (port ? port->list : g.list)
            make_list(&g, to);
    }
    free(g.item);
    free(g.group);
    return rc;
}

int inputs_fill(const struct filling *f)
{
    const struct stage *s = f->stage;
    int rc = 0;

    f->step->input = arena_alloc(f->b->arena, (s->n_inputs + 1) * sizeof *f->step->input);
    for (size_t i = 0; rc == 0 && i < s->n_inputs; i++) {
        rc = fill_input(f, &s->input[i], &f->step->input[i]);
        f->step->n_inputs++;
    }
    return rc;
}

/* ---- shards ------------------------------------------------------------------------ */

static void take_shard(struct builder *b, const struct step *step, struct item *item)
{
    const struct stage *from = map_get(&b->stages, item->step->stage);

    if (item->is_set)
        item->step = item->step->part[step->shard];
    else
        item->output = shards_object(from, item->output, step->shard);
    item->is_set = false;
}

void inputs_take_shard(struct builder *b, const struct stage *s, struct step *step)
{
    struct input *own = arena_alloc(b->arena, (step->n_inputs + 1) * sizeof *own);

    memcpy(own, step->input, step->n_inputs * sizeof *own);
    step->input = own;
    for (size_t i = 0; i < step->n_inputs; i++) {
        const struct item *item = own[i].item;
        if (!s->input[i].mapped)
            continue;
        own[i].item = arena_alloc(b->arena, (own[i].n_items + 1) * sizeof *item);
        memcpy(own[i].item, item, own[i].n_items * sizeof *item);
        for (size_t j = 0; j < own[i].n_items; j++)
            take_shard(b, step, &own[i].item[j]);
    }
}
