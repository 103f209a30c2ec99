#include "step.h"

#include <string.h>

#include "argv.h"
#include "comparator.h"
#include "expect.h"
#include "input.h"
#include "larder/fs.h"
#include "option.h"
#include "resources.h"
#include "retry.h"
#include "shards.h"

#include "larder/banned.h"

/* ---- all steps, with their names --------------------------------------------------- */

static struct step *make_step(struct builder *b, const struct stage *s, size_t member,
                              size_t part)
{
    struct step *step = arena_alloc(b->arena, sizeof *step);
    struct buf name = { 0 };

    step->stage = s->name;
    step->pos = s->pos;
    step->program = s->program;
    step->axis = s->matrix.axis;
    step->n_axes = s->matrix.n_axes;
    step->value = matrix_values(&s->matrix, b->arena, member);
    buf_adds(&name, s->name);
    for (size_t i = 0; i < step->n_axes; i++)
        buf_printf(&name, "%c%s=%s", i ? ',' : '@', step->axis[i], step->value[i]);
    if (s->mapped) {
        buf_printf(&name, "%cshard=", step->n_axes ? ',' : '@');
        shard_name(part, s->n_parts, &name);
    }
    step->name = arena_strdup(b->arena, buf_str(&name));
    buf_release(&name);
    return step;
}

/* The steps of one member of the matrix; with `map:` they know each other. */
static void make_member(struct builder *b, const struct stage *s, size_t member)
{
    struct step **part = &b->step[b->n_steps];

    if (s->mapped)
        part = arena_alloc(b->arena, s->n_parts * sizeof *part);
    for (size_t i = 0; i < s->n_parts; i++) {
        part[i] = make_step(b, s, member, i);
        b->step[b->n_steps++] = part[i];
        if (s->mapped) {
            part[i]->part = part;
            part[i]->n_parts = s->n_parts;
            part[i]->shard = i;
        }
    }
}

int steps_make(struct builder *b, struct error *err)
{
    for (size_t i = 0; i < b->stages.n; i++) {
        struct stage *s = b->stages.entry[i].value;
        int rc = shards_count(b, s, err);
        if (rc < 0)
            return rc;
        s->first = b->n_steps;
        if (b->n_steps + s->matrix.n * s->n_parts > MATRIX_MEMBERS)
            return pos_error(&s->pos, err, "the recipe has more than %d steps",
                             MATRIX_MEMBERS);
        GROW(b->step, b->n_steps + s->matrix.n * s->n_parts, b->cap_steps);
        for (size_t m = 0; m < s->matrix.n; m++)
            make_member(b, s, m);
    }
    return 0;
}

/* ---- options ----------------------------------------------------------------------- */

static int option_text(const struct filling *f, size_t i, struct option_value *to)
{
    const struct program_option *o = &f->stage->program->option[i];
    struct error why = { 0 };
    struct value v;
    int rc;

    rc = expr_value(&f->scope, f->stage->option[i].node,
                    arena_printf(f->b->arena, "option %s", o->name), &v, f->err);
    if (rc < 0)
        return rc;
    to->pos = v.pos;
    if (!v.plain &&
        (o->type == OPTION_INT || o->type == OPTION_FLOAT || o->type == OPTION_BOOL)) {
        struct buf allowed = { 0 };
        option_allows(o, &allowed);
        rc = pos_error(
            &v.pos, f->err,
            "stage %s: option %s: \"%s\" is a text here; write %s, without quotes",
            f->stage->name, o->name, v.text, buf_str(&allowed));
        buf_release(&allowed);
        return rc;
    }
    rc = program_value(o, v.text, f->b->arena, &to->text, &why);
    return rc < 0 ? pos_error(&v.pos, f->err, "stage %s: option %s: %s", f->stage->name,
                              o->name, why.text)
                  : 0;
}

static int fill_options(const struct filling *f)
{
    const struct program *p = f->stage->program;
    struct step *step = f->step;
    int rc = 0;

    if (!p)
        return 0;
    step->n_options = p->n_options;
    step->option = arena_alloc(f->b->arena, (p->n_options + 1) * sizeof *step->option);
    for (size_t i = 0; rc == 0 && i < p->n_options; i++) {
        struct stage_option *given = &f->stage->option[i];
        struct option_value *to = &step->option[i];
        to->name = p->option[i].name;
        to->type = option_type_name(p->option[i].type);
        if (!given->node) {
            to->text = p->option[i].standard;
        } else if (given->fixed) {
            to->text = given->fixed;
            to->pos = given->node->pos;
        } else {
            rc = option_text(f, i, to);
            if (rc == 0 && expr_is_fixed(given->node))
                given->fixed = to->text;
        }
    }
    return rc;
}

/* ---- env, seed, outputs ------------------------------------------------------------ */

static int look_up_env(struct filling *f)
{
    const struct stage *s = f->stage;

    for (size_t i = 0; i < s->n_env; i++) {
        struct value v = { 0 };
        int rc = 0;

        if (s->env_node[i])
            rc = expr_value(&f->scope, s->env_node[i], s->env[i], &v, f->err);
        else if (!s->env_passed[i])
            v.text = witness_env(f->b->recipe->witness, s->env[i]);
        if (rc < 0)
            return rc;
        f->env_value[i] = v.text ? arena_strdup(f->b->arena, v.text) : NULL;
    }
    f->scope.env = s->env;
    f->scope.env_value = f->env_value;
    f->scope.env_passed = s->env_passed;
    f->scope.n_env = s->n_env;
    return 0;
}

int filling_begin(struct filling *f, struct builder *b, struct stage *s, size_t member,
                  struct error *err)
{
    *f = (struct filling){ .b = b, .stage = s, .member = member, .err = err };
    f->env_value = xcalloc(s->n_env + 1, sizeof *f->env_value);
    for (size_t i = 0; i < s->matrix.n_axes; i++)
        f->axis_value[i] = matrix_node(&s->matrix, member, i);
    f->scope = (struct scope){ .arena = b->arena,
                               .params = node_get(b->recipe->root, "params"),
                               .local = s->program ? NULL : node_get(s->node, "params"),
                               .axis = s->matrix.axis,
                               .axis_value = f->axis_value,
                               .n_axes = s->matrix.n_axes };
    return look_up_env(f);
}

void filling_end(struct filling *f)
{
    free(f->env_value);
    *f = (struct filling){ 0 };
}

/* A variable of the user's that is not set is left out, in the step as in its key. */
static void fill_env(const struct filling *f)
{
    const struct stage *s = f->stage;
    struct step *step = f->step;

    step->env = arena_alloc(f->b->arena, (s->n_env + 1) * sizeof *step->env);
    step->env_value = arena_alloc(f->b->arena, (s->n_env + 1) * sizeof *step->env_value);
    step->passed = arena_alloc(f->b->arena, (s->n_env + 1) * sizeof *step->passed);
    for (size_t i = 0; i < s->n_env; i++) {
        if (s->env_passed[i])
            step->passed[step->n_passed++] = s->env[i];
        if (!f->env_value[i])
            continue;
        step->env[step->n_env] = s->env[i];
        step->env_value[step->n_env++] = f->env_value[i];
    }
}

/* LARDER_SEED: the first 8 bytes of SHA-256("larder-seed\n" + text). No stage, matrix
 * value or shard is in it. */
static int fill_seed(const struct filling *f)
{
    const struct node *own = node_get(f->stage->node, "seed");
    const struct node *seed = own ? own : node_get(f->scope.params, "seed");
    struct buf text = { 0 };
    struct digest d;
    struct value v;
    int rc;

    if (!f->stage->has_seed)
        return 0;
    if (!seed)
        return pos_error(&f->stage->pos, f->err,
                         "stage %s: program %s needs a seed; write params: {seed: 1}",
                         f->stage->name, f->stage->program->name);
    rc = expr_value(&f->scope, seed, "seed", &v, f->err);
    if (rc < 0)
        return rc;
    buf_printf(&text, "larder-seed\n%s", v.text);
    digest_bytes(&d, text.s, text.len);
    buf_release(&text);
    f->step->has_seed = true;
    for (int i = 0; i < 8; i++)
        f->step->seed = f->step->seed << 8 | d.byte[i];
    return 0;
}

/* A relative path of plain names: no "", ".", ".." between its slashes. */
static bool is_tame(const char *path)
{
    size_t n;

    for (;; path += n + 1) {
        n = strcspn(path, "/");
        if (n == 0 || (n == 1 && path[0] == '.') || (n == 2 && !strncmp(path, "..", 2)))
            return false;
        if (!path[n])
            return true;
    }
}

static int output_path(const struct filling *f, const struct stage_output *from,
                       struct output *to)
{
    struct value v = { .text = from->name, .pos = from->pos };
    size_t n;
    int rc = from->path
                 ? expr_value(&f->scope, from->path, "the path of an output", &v, f->err)
                 : 0;

    if (rc < 0)
        return rc;
    n = strlen(v.text);
    if (from->path && expr_is_case(from->path) && from->foreign &&
        (n && v.text[n - 1] == '/') != (to->kind == OBJECT_TREE))
        return pos_error(&v.pos, f->err,
                         "output %s: a path that ends in / is a folder, and all branches "
                         "of a case must say the same",
                         from->name);
    if (n > 1 && v.text[n - 1] == '/')
        n--;
    to->path = arena_strndup(f->b->arena, v.text, n);
    if (!is_tame(to->path))
        return pos_error(&v.pos, f->err,
                         "output %s: \"%s\" is no path below the step's own folder",
                         from->name, v.text);
    for (size_t i = 0; i < f->step->n_outputs; i++)
        if (fs_is_below(f->step->output[i].path, to->path) ||
            fs_is_below(to->path, f->step->output[i].path))
            return pos_error(&v.pos, f->err, "outputs %s and %s have the same path, %s",
                             f->step->output[i].name, from->name, to->path);
    return 0;
}

static int fill_outputs(const struct filling *f)
{
    const struct stage *s = f->stage;
    struct step *step = f->step;

    step->output = arena_alloc(f->b->arena, (s->n_outputs + 1) * sizeof *step->output);
    for (size_t i = 0; i < s->n_outputs; i++) {
        struct output *to = &step->output[i];
        int rc;
        *to = (struct output){ .name = s->output[i].name,
                               .pos = s->output[i].pos,
                               .kind = s->output[i].kind,
                               .n_shards = s->output[i].n_shards,
                               .temp = s->output[i].temp,
                               .visibility = s->output[i].visibility };
        rc = output_path(f, &s->output[i], to);
        if (rc == 0)
            rc = expect_fill(f, &s->output[i], to);
        if (rc == 0)
            rc = comparator_fill(f, &s->output[i], to);
        if (rc < 0)
            return rc;
        step->n_outputs++;
        step->n_objects += 1 + to->n_shards;
    }
    return 0;
}

/* ---- a step ------------------------------------------------------------------------ */

static int fill_step(struct filling *f)
{
    const struct node *resources = node_get(f->stage->node, "resources");
    int rc;

    f->step->tool = f->stage->tool;
    f->step->n_tools = f->stage->n_tools;
    fill_env(f);
    rc = fill_options(f);
    if (rc == 0)
        rc = fill_seed(f);
    if (rc == 0)
        rc = fill_outputs(f);
    if (rc == 0)
        rc = expect_fill_metrics(f);
    if (rc == 0)
        rc = resources_read(&f->scope, resources, &f->step->resources, f->err);
    if (rc == 0)
        rc = retry_read(&f->scope, node_get(f->stage->node, "retry"), f->step->retry,
                        f->err);
    if (rc == 0)
        rc = inputs_fill(f);
    if (rc == 0)
        rc = argv_fill(f);
    f->step->checkpoint = f->stage->checkpoint;
    f->step->sandbox = f->stage->sandbox;
    f->step->network = f->stage->network;
    f->step->code = f->stage->code;
    f->step->code_path = f->stage->code_path;
    f->step->n_code = f->stage->n_code;
    return rc;
}

/* The steps of one member differ in their name and shard only. */
static void fill_parts(struct builder *b, const struct stage *s, struct step *first)
{
    for (size_t i = first->n_parts; i-- > 0;) {
        struct step *step = first->part[i], own = *step;
        *step = *first;
        step->name = own.name;
        step->shard = own.shard;
        inputs_take_shard(b, s, step);
    }
}

static int fill_stage(struct builder *b, struct stage *s, struct error *err)
{
    int rc = 0;

    for (size_t m = 0; rc == 0 && m < s->matrix.n; m++) {
        struct filling f;
        rc = filling_begin(&f, b, s, m, err);
        f.step = b->step[s->first + m * s->n_parts];
        if (rc == 0)
            rc = fill_step(&f);
        if (rc == 0)
            fill_parts(b, s, f.step);
        filling_end(&f);
    }
    return rc;
}

int steps_fill(struct builder *b, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < b->stages.n; i++)
        rc = fill_stage(b, b->stages.entry[i].value, err);
    return rc;
}
