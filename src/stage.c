#include "stage.h"

#include <string.h>

#include "code.h"
#include "option.h"
#include "ports.h"
#include "shards.h"
#include "tool.h"

#include "larder/banned.h"

static const char *const known[] = { "program",   "run",        "matrix",     "in",
                                     "params",    "out",        "env",        "seed",
                                     "resources", "checkpoint", "visibility", "code",
                                     "sandbox",   "retry",      "map",        "sh",
                                     "expect",    "network",    "tools" };
enum { N_KNOWN = sizeof known / sizeof *known };

int stage_output_index(const struct stage *s, const char *name)
{
    for (size_t i = 0; i < s->n_outputs; i++)
        if (!strcmp(s->output[i].name, name))
            return (int)i;
    return -1;
}

/* ---- options ----------------------------------------------------------------------- */

static int no_option(const struct stage *s, const struct node *key, struct error *err)
{
    const struct program *p = s->program;
    const char **names = xcalloc(p->n_options + 1, sizeof *names);
    int rc;

    for (size_t i = 0; i < p->n_options; i++)
        names[i] = p->option[i].name;
    rc = suggest_error(&key->pos, err, key->text, names, p->n_options,
                       "stage %s: program %s has no option %s", s->name, p->name,
                       key->text);
    free(names);
    return rc;
}

static size_t find_option(const struct program *p, const char *name)
{
    size_t i = 0;

    while (i < p->n_options && strcmp(p->option[i].name, name) != 0)
        i++;
    return i;
}

/* `params:`: of a program its options; of `run:` names for its own expressions. */
static int read_params(struct builder *b, struct stage *s, struct error *err)
{
    const struct node *params = node_get(s->node, "params");
    int rc = 0;

    if (s->program)
        s->option =
            arena_alloc(b->arena, (s->program->n_options + 1) * sizeof *s->option);
    if (!params || params->kind == NODE_NULL)
        return 0;
    rc = node_expect(params, NODE_MAP, "params", err);
    for (size_t i = 0; rc == 0 && i < params->n; i++) {
        const struct node *key = params->key[i];
        size_t o;
        if (!s->program) {
            rc = node_check_name(key, "a parameter", err);
            continue;
        }
        o = find_option(s->program, key->text);
        if (o == s->program->n_options)
            return no_option(s, key, err);
        s->option[o].node = params->item[i];
    }
    return rc;
}

/* ---- env and the rest -------------------------------------------------------------- */

static bool is_variable(const char *s)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
                                  "0123456789";

    return *s && !(*s >= '0' && *s <= '9') && s[strspn(s, letters)] == '\0';
}

static int check_variable(const struct node *key, struct error *err)
{
    int rc = node_expect(key, NODE_SCALAR, "the name of a variable", err);

    if (rc < 0)
        return rc;
    if (!is_variable(key->text))
        return pos_error(&key->pos, err,
                         "a variable cannot be called \"%s\": use letters, digits and _",
                         key->text);
    if (!strncmp(key->text, "LARDER_", 7) || !strcmp(key->text, "PATH") ||
        !strcmp(key->text, "HOME") || !strcmp(key->text, "TMPDIR"))
        return pos_error(&key->pos, err, "the variable %s is set by Larder", key->text);
    return 0;
}

/* Whether a value is {pass: true}. */
static int read_pass(const struct node *key, const struct node *value, bool *passed,
                     struct error *err)
{
    static const char *const keys[] = { "pass" };
    const struct node *pass;
    int rc;

    *passed = false;
    if (!value || value->kind != NODE_MAP || expr_is_case(value))
        return 0;
    rc = node_check_keys(value, "a variable", keys, 1, err);
    if (rc < 0)
        return rc;
    pass = node_get(value, "pass");
    *passed = pass && pass->kind == NODE_SCALAR && !strcmp(pass->text, "true");
    return *passed ? 0
                   : pos_error(pass ? &pass->pos : &value->pos, err,
                               "%s: write {pass: true}, or a value", key->text);
}

static int add_variable(struct stage *s, const struct node *key, const struct node *value,
                        struct error *err)
{
    size_t i = 0, after;
    bool passed;
    int rc = check_variable(key, err);

    if (rc == 0)
        rc = read_pass(key, value, &passed, err);
    if (rc < 0)
        return rc;
    while (i < s->n_env && strcmp(s->env[i], key->text) < 0)
        i++;
    after = s->n_env - i;
    if (after == 0 || strcmp(s->env[i], key->text) != 0) {
        memmove(s->env + i + 1, s->env + i, after * sizeof *s->env);
        memmove(s->env_node + i + 1, s->env_node + i, after * sizeof *s->env_node);
        memmove(s->env_passed + i + 1, s->env_passed + i, after * sizeof *s->env_passed);
        s->n_env++;
    }
    s->env[i] = key->text;
    s->env_node[i] = passed || !value || value->kind == NODE_NULL ? NULL : value;
    s->env_passed[i] = passed;
    return 0;
}

/* {NAME: value} gives a value, {NAME:} and [NAME] take the user's own, and
 * {NAME: {pass: true}} does so when the step starts. */
static int read_env(struct stage *s, const struct node *env, struct error *err)
{
    int rc = 0;

    if (!env || env->kind == NODE_NULL)
        return 0;
    if (env->kind != NODE_LIST)
        rc = node_expect(env, NODE_MAP, "env", err);
    for (size_t i = 0; rc == 0 && i < env->n; i++)
        rc = env->kind == NODE_MAP ? add_variable(s, env->key[i], env->item[i], err)
                                   : add_variable(s, env->item[i], NULL, err);
    return rc;
}

/* true or false, not in quotes; absent is false. */
static int read_flag(const struct stage *s, const char *name, bool *flag,
                     struct error *err)
{
    const struct node *node = node_get(s->node, name);

    if (!node)
        return 0;
    *flag = node->kind == NODE_SCALAR && !strcmp(node->text, "true");
    if (node->kind != NODE_SCALAR || (!*flag && strcmp(node->text, "false") != 0) ||
        !node->plain)
        return pos_error(&node->pos, err, "%s is true or false", name);
    return 0;
}

static int read_sandbox(struct stage *s, struct error *err)
{
    const struct node *node = node_get(s->node, "sandbox");

    s->sandbox = SANDBOX_ENFORCE;
    if (!node)
        return 0;
    s->sandbox = node->kind == NODE_SCALAR ? sandbox_mode_of(node->text) : N_SANDBOX;
    if (s->sandbox == N_SANDBOX)
        return pos_error(&node->pos, err, "sandbox takes off, warn or enforce");
    return 0;
}

static int read_flags(struct stage *s, struct error *err)
{
    const struct node *seed = node_get(s->node, "seed");
    int rc;

    s->has_seed = s->program ? s->program->seed : seed != NULL;
    if (seed && !s->has_seed)
        return pos_error(&node_key(s->node, "seed")->pos, err,
                         "stage %s: program %s uses no seed: take seed: out", s->name,
                         s->program->name);
    rc = read_sandbox(s, err);
    if (rc == 0)
        rc = read_flag(s, "network", &s->network, err);
    if (rc == 0)
        rc = read_flag(s, "checkpoint", &s->checkpoint, err);
    if (rc == 0 && s->checkpoint && s->program && !s->program->checkpoint)
        rc = pos_error(&node_get(s->node, "checkpoint")->pos, err,
                       "program %s cannot resume from a checkpoint: take checkpoint: out",
                       s->program->name);
    return rc;
}

/* ---- the stage --------------------------------------------------------------------- */

static int find_program(struct builder *b, struct stage *s, struct error *err)
{
    const struct node *program = node_get(s->node, "program"),
                      *run = node_get(s->node, "run"), *sh = node_get(s->node, "sh");
    struct error why = { 0 };
    int rc;

    if (!program && !run && !sh)
        return pos_error(
            &s->pos, err,
            "stage %s says not what it runs; write program:, run: or sh:", s->name);
    if (!!program + !!run + !!sh > 1)
        return pos_error(&s->pos, err, "stage %s has both %s: and %s:; it needs one",
                         s->name, program ? "program" : "run", sh ? "sh" : "run");
    if (sh)
        return node_expect(sh, NODE_SCALAR, "sh", err);
    if (run) {
        rc = node_expect(run, NODE_LIST, "run", err);
        if (rc == 0 && run->n == 0)
            rc = pos_error(&run->pos, err, "run: is empty");
        return rc;
    }
    rc = node_expect(program, NODE_SCALAR, "program", err);
    if (rc < 0)
        return rc;
    rc = programs_find(b->programs, program->text, &s->program, &why);
    return rc < 0 ? pos_error(&program->pos, err, "stage %s: %s", s->name, why.text) : 0;
}

/* What is said of an output. */
static int check_place_of_keys(const struct stage *s, struct error *err)
{
    static const char *const of_outputs[] = { "keep", "path", "shards", "compare" };

    for (size_t i = 0; i < sizeof of_outputs / sizeof *of_outputs; i++) {
        const struct node *key = node_key(s->node, of_outputs[i]);
        if (key)
            return pos_error(&key->pos, err,
                             "stage %s: %s: is said of an output; write "
                             "out: {NAME: {%s: ...}}",
                             s->name, key->text, key->text);
    }
    return 0;
}

static int check_keys(const struct stage *s, struct builder *b, struct error *err)
{
    int rc =
        node_expect(s->node, NODE_MAP, arena_printf(b->arena, "stage %s", s->name), err);

    if (rc == 0)
        rc = check_place_of_keys(s, err);
    if (rc < 0)
        return rc;
    return node_check_keys(s->node, arena_printf(b->arena, "stage %s", s->name), known,
                           N_KNOWN, err);
}

static int read_stage(struct builder *b, const struct node *key, const struct node *node,
                      struct error *err)
{
    struct stage *s = arena_alloc(b->arena, sizeof *s);
    const struct node *env = node_get(b->recipe->root, "env");
    const struct node *own = node_get(node, "env");
    size_t max = (env ? env->n : 0) + (own ? own->n : 0) + 1;
    int rc = node_check_name(key, "a stage", err);

    if (rc == 0 && (!strcmp(key->text, "import") || !strcmp(key->text, "plan")))
        rc = pos_error(&key->pos, err, "a stage cannot be called %s: use another name",
                       key->text);
    if (rc < 0)
        return rc;
    s->name = key->text;
    s->pos = key->pos;
    s->node = node;
    s->env = arena_alloc(b->arena, max * sizeof *s->env);
    s->env_node = arena_alloc(b->arena, max * sizeof *s->env_node);
    s->env_passed = arena_alloc(b->arena, max * sizeof *s->env_passed);
    map_set(&b->stages, s->name, s);
    rc = check_keys(s, b, err);
    if (rc == 0)
        rc = find_program(b, s, err);
    if (rc == 0)
        rc = matrix_read(&s->matrix, &b->pool, b->arena, node_get(node, "matrix"), err);
    if (rc == 0)
        rc = read_params(b, s, err);
    if (rc == 0)
        rc = ports_read(b, s, err);
    if (rc == 0)
        rc = shards_read(b, s, err);
    if (rc == 0)
        rc = read_env(s, env, err);
    if (rc == 0)
        rc = read_env(s, own, err);
    if (rc == 0)
        rc = code_read(b, s, err);
    if (rc == 0)
        rc = tools_of_stage(b, s, err);
    return rc < 0 ? rc : read_flags(s, err);
}

int stages_read(struct builder *b, struct error *err)
{
    const struct node *stages = node_get(b->recipe->root, "stages");
    int rc = 0;

    if (!stages || stages->kind == NODE_NULL || stages->n == 0)
        return pos_error(&b->recipe->root->pos, err,
                         "the recipe has no stages; `larder init` writes a recipe to "
                         "begin with");
    for (size_t i = 0; rc == 0 && i < stages->n; i++)
        rc = read_stage(b, stages->key[i], stages->item[i], err);
    return rc;
}
