#include "shards.h"

#include <fnmatch.h>
#include <string.h>

#include "input.h"
#include "reference.h"

#include "larder/banned.h"

/* ---- map --------------------------------------------------------------------------- */

static int no_input(const struct stage *s, const struct node *name, struct error *err)
{
    const char **names = xcalloc(s->n_inputs + 1, sizeof *names);
    int rc;

    for (size_t i = 0; i < s->n_inputs; i++)
        names[i] = s->input[i].name;
    rc = suggest_error(&name->pos, err, name->text, names, s->n_inputs,
                       "stage %s has no input %s to map over", s->name, name->text);
    free(names);
    return rc;
}

static int map_input(struct stage *s, const struct node *name, struct error *err)
{
    int rc = node_expect(name, NODE_SCALAR, "the input to map over", err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < s->n_inputs; i++)
        if (!strcmp(s->input[i].name, name->text)) {
            s->input[i].mapped = true;
            return 0;
        }
    return no_input(s, name, err);
}

/* {over: INPUT} or {over: [INPUT, INPUT]}. */
static int read_map(struct stage *s, const struct node *map, struct error *err)
{
    static const char *const known[] = { "over" };
    const struct node *over;
    int rc = node_check_keys(map, "map", known, 1, err);

    if (rc < 0)
        return rc;
    over = node_get(map, "over");
    if (!over || (over->kind == NODE_LIST && over->n == 0))
        return pos_error(&map->pos, err,
                         "map: must say over which input: write {over: INPUT}");
    s->mapped = true;
    for (size_t i = 0; i < s->matrix.n_axes; i++)
        if (!strcmp(s->matrix.axis[i], "shard"))
            return pos_error(&map->pos, err,
                             "an axis cannot be called shard in a stage with map:, use "
                             "another name");
    if (over->kind != NODE_LIST)
        return map_input(s, over, err);
    for (size_t i = 0; rc == 0 && i < over->n; i++)
        rc = map_input(s, over->item[i], err);
    return rc;
}

/* ---- shards ------------------------------------------------------------------------ */

/* The number is that of all steps of a stage, so it looks up parameters only. */
static int read_number(struct builder *b, const struct stage *s, const struct node *node,
                       size_t *n, struct error *err)
{
    struct scope scope = { .arena = b->arena,
                           .params = node_get(b->recipe->root, "params"),
                           .local = s->program ? NULL : node_get(s->node, "params") };
    struct value v;
    int rc;

    if (node->kind == NODE_SCALAR && strstr(node->text, "${m."))
        return pos_error(&node->pos, err,
                         "the number of shards is the same for all steps of a stage: "
                         "write one that no axis changes");
    rc = expr_value(&scope, node, "shards", &v, err);
    if (rc < 0)
        return rc;
    if (!strcmp(v.text, "same"))
        return pos_error(&v.pos, err, "shards: same goes with map:; write a number");
    *n = strspn(v.text, "0123456789") == strlen(v.text) && strlen(v.text) <= 5
             ? strtoul(v.text, NULL, 10)
             : 0;
    if (*n < 1 || *n > SHARDS_MAX || !v.plain)
        return pos_error(&v.pos, err, "shards takes a number from 1 to %d", SHARDS_MAX);
    return 0;
}

/* A program with an option `shards` is told the number by it. */
static int set_option(struct stage *s, const struct stage_output *o, struct error *err)
{
    const struct node *given = node_get(node_get(s->node, "params"), "shards");
    const struct program *p = s->program;
    size_t i = 0;

    while (p && i < p->n_options && strcmp(p->option[i].name, "shards") != 0)
        i++;
    if (!p || i == p->n_options)
        return 0;
    if (given)
        return pos_error(&given->pos, err,
                         "option shards of program %s is what out: says of %s", p->name,
                         o->name);
    for (size_t k = 0; k < s->n_outputs; k++)
        if (s->output[k].n_shards && s->output[k].n_shards != o->n_shards)
            return pos_error(&o->shards->pos, err,
                             "outputs %s and %s of program %s have the same number of "
                             "shards, that of its option",
                             s->output[k].name, o->name, p->name);
    s->option[i].node = o->shards;
    return 0;
}

static int read_output(struct builder *b, struct stage *s, struct stage_output *o,
                       struct error *err)
{
    int rc;

    if (!o->shards)
        return 0;
    if (s->mapped)
        return o->shards->kind == NODE_SCALAR && !strcmp(o->shards->text, "same")
                   ? 0
                   : pos_error(&o->shards->pos, err,
                               "what a stage with map: makes has the shards of what it "
                               "maps over; write shards: same");
    if (o->kind != OBJECT_TREE)
        return pos_error(&o->shards->pos, err, "output %s is a file and has no shards%s",
                         o->name, s->program ? "" : "; the path of a folder ends with /");
    rc = read_number(b, s, o->shards, &o->n_shards, err);
    return rc < 0 ? rc : set_option(s, o, err);
}

int shards_read(struct builder *b, struct stage *s, struct error *err)
{
    const struct node *map = node_get(s->node, "map");
    int rc = map ? read_map(s, map, err) : 0;

    for (size_t i = 0; rc == 0 && i < s->n_outputs; i++)
        rc = read_output(b, s, &s->output[i], err);
    return rc;
}

size_t shards_of_output(const struct stage *s, int output)
{
    return s->mapped ? s->n_parts : s->output[output].n_shards;
}

int shards_object(const struct stage *s, int output, size_t shard)
{
    size_t object = s->n_outputs + shard;

    for (int i = 0; i < output; i++)
        object += s->output[i].n_shards;
    return (int)object;
}

/* ---- counting ---------------------------------------------------------------------- */

/* The stage of that name, or the first that fits it as a glob, or NULL. */
static struct stage *find_stage(const struct map *stages, const struct reference *r)
{
    struct stage *s = map_get(stages, r->name);

    for (size_t i = 0; r->glob && !s && i < stages->n; i++)
        if (fnmatch(r->name, stages->entry[i].key, 0) == 0)
            s = stages->entry[i].value;
    return s;
}

/* The shards of what one reference names; 0 where there is no such set. */
static int count_reference(const struct filling *f, const struct node *node, size_t *n)
{
    struct reference r;
    struct stage *s;
    struct value v;
    int output, rc;

    rc = expr_value(&f->scope, node, "an input", &v, f->err);
    if (rc == 0)
        rc = reference_read(&r, f->b->arena, node, v.text, &v.pos, f->err);
    s = rc == 0 && r.kind == TO_STAGE ? find_stage(&f->b->stages, &r) : NULL;
    output = s ? stage_output_index(s, r.output) : -1;
    if (rc < 0 || output < 0)
        return rc;
    rc = shards_count(f->b, s, f->err);
    *n = shards_of_output(s, output);
    return rc;
}

/* The first item decides; the others are held against it when the inputs are filled. */
static int count_input(const struct filling *f, const struct stage_input *in, size_t *n)
{
    const struct node *node;
    int rc = expr_branch(&f->scope, in->node, &node, f->err);

    if (rc == 0 && node->kind == NODE_LIST)
        node = node->n ? node->item[0] : NULL;
    return rc == 0 && node ? count_reference(f, node, n) : rc;
}

/* While a stage is being counted it has one shard, so that a cycle ends here; it is told
 * when the steps are put in order. */
int shards_count(struct builder *b, struct stage *s, struct error *err)
{
    struct filling f;
    size_t n = 0;
    int rc;

    if (s->n_parts)
        return 0;
    s->n_parts = 1;
    if (!s->mapped)
        return 0;
    rc = filling_begin(&f, b, s, 0, err);
    for (size_t i = 0; rc == 0 && n == 0 && i < s->n_inputs; i++)
        if (s->input[i].mapped)
            rc = count_input(&f, &s->input[i], &n);
    if (n)
        s->n_parts = n;
    filling_end(&f);
    return rc;
}
