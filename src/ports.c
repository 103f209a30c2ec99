#include "ports.h"

#include <string.h>

#include "expr.h"
#include "visibility.h"

#include "larder/banned.h"

static const struct program_port *find_port(const struct program_port *port, size_t n,
                                            const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(port[i].name, name))
            return &port[i];
    return NULL;
}

static int no_port(const struct node *key, const struct stage *s, const char *what,
                   const struct program_port *port, size_t n, struct error *err)
{
    const char **names = xcalloc(n + 1, sizeof *names);
    int rc;

    for (size_t i = 0; i < n; i++)
        names[i] = port[i].name;
    rc = suggest_error(&key->pos, err, key->text, names, n,
                       "stage %s: program %s has no %s %s", s->name, s->program->name,
                       what, key->text);
    free(names);
    return rc;
}

/* ---- inputs ------------------------------------------------------------------------ */

static int compare_inputs(const void *a, const void *b)
{
    const struct stage_input *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* Every input that the program needs is there. */
static int check_missing(const struct stage *s, struct error *err)
{
    const struct program *p = s->program;
    const struct node *in = node_key(s->node, "in");

    for (size_t i = 0; i < p->n_inputs; i++)
        if (!p->input[i].optional && !node_get(node_get(s->node, "in"), p->input[i].name))
            return pos_error(
                in ? &in->pos : &s->pos, err,
                "stage %s: the input %s of program %s is missing: write it in in:",
                s->name, p->input[i].name, p->name);
    return 0;
}

static int read_inputs(struct builder *b, struct stage *s, struct error *err)
{
    const struct node *in = node_get(s->node, "in");
    const struct program *p = s->program;
    int rc = 0;

    if (in && in->kind != NODE_NULL)
        rc = node_expect(in, NODE_MAP, "in", err);
    if (rc < 0)
        return rc;
    s->n_inputs = in ? in->n : 0;
    s->input = arena_alloc(b->arena, (s->n_inputs + 1) * sizeof *s->input);
    for (size_t i = 0; i < s->n_inputs; i++) {
        const struct node *key = in->key[i];
        struct stage_input *to = &s->input[i];
        rc = node_check_name(key, "an input", err);
        if (rc < 0)
            return rc;
        *to = (struct stage_input){ key->text, key->pos, in->item[i], NULL, false };
        if (p)
            to->port = find_port(p->input, p->n_inputs, key->text);
        if (p && !to->port)
            return no_port(key, s, "input", p->input, p->n_inputs, err);
    }
    qsort(s->input, s->n_inputs, sizeof *s->input, compare_inputs);
    return p ? check_missing(s, err) : 0;
}

/* ---- outputs ----------------------------------------------------------------------- */

/* `keep: temp`: it goes when the last step that takes it is recorded. */
static int read_keep(const struct node *node, bool *temp, struct error *err)
{
    int rc = node ? node_expect(node, NODE_SCALAR, "keep", err) : 0;

    if (rc < 0 || !node)
        return rc;
    *temp = !strcmp(node->text, "temp");
    if (!*temp && strcmp(node->text, "always") != 0)
        return pos_error(&node->pos, err, "keep is temp or always, not %s", node->text);
    return 0;
}

/* Whether a path ends in /; of a `case`, whether that of its first branch does. */
static bool names_folder(const struct node *path)
{
    while (path && expr_is_case(path)) {
        size_t i = 0;

        while (i < path->n && !strcmp(path->key[i]->text, "case"))
            i++;
        path = i < path->n ? path->item[i] : NULL;
    }
    return path && path->kind == NODE_SCALAR && *path->text &&
           path->text[strlen(path->text) - 1] == '/';
}

static int read_output(struct stage *s, const struct node *key, const struct node *node,
                       struct stage_output *to, struct error *err)
{
    static const char *const known[] = { "path", "visibility", "shards",
                                         "keep", "expect",     "compare" };
    const struct program_port *port = NULL;
    const struct node *visibility;
    int rc = 0;

    if (s->program) {
        port = find_port(s->program->output, s->program->n_outputs, key->text);
        if (!port)
            return no_port(key, s, "output", s->program->output, s->program->n_outputs,
                           err);
    }
    to->name = key->text;
    to->pos = key->pos;
    to->shards = node_get(node, "shards");
    to->expect = node_get(node, "expect");
    to->compare = node_get(node, "compare");
    to->path =
        node->kind == NODE_SCALAR || expr_is_case(node) ? node : node_get(node, "path");
    if (node->kind == NODE_MAP && to->path != node) {
        rc = node_check_keys(node, "an output", known, 6, err);
        if (rc == 0)
            rc = read_keep(node_get(node, "keep"), &to->temp, err);
        visibility = node_get(node, "visibility");
        if (rc == 0 && visibility)
            rc = visibility_read(visibility, &to->visibility, err);
        if (rc == 0 && to->path && !expr_is_case(to->path))
            rc = node_expect(to->path, NODE_SCALAR, "path", err);
    } else if (node->kind == NODE_LIST) {
        rc = node_expect(node, NODE_SCALAR, "the path of an output", err);
    }
    if (rc < 0)
        return rc;
    if (port) {
        to->kind = port->kind;
        to->set = port->set;
    } else {
        to->foreign = true;
        to->kind = names_folder(to->path) ? OBJECT_TREE : OBJECT_FILE;
    }
    return 0;
}

static int compare_outputs(const void *a, const void *b)
{
    const struct stage_output *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int read_outputs(struct builder *b, struct stage *s, struct error *err)
{
    const struct node *out = node_get(s->node, "out");
    const struct program *p = s->program;
    int visibility = -1;
    int rc = 0;

    if (node_get(s->node, "visibility"))
        rc = visibility_read(node_get(s->node, "visibility"), &visibility, err);
    if (rc == 0 && out && out->kind != NODE_NULL)
        rc = node_expect(out, NODE_MAP, "out", err);
    if (rc < 0)
        return rc;
    size_t n = out ? out->n : 0;
    s->output =
        arena_alloc(b->arena, (n + (p ? p->n_outputs : 0) + 1) * sizeof *s->output);
    for (size_t i = 0; i < n; i++) {
        s->output[i].visibility = visibility;
        rc = node_check_name(out->key[i], "an output", err);
        if (rc == 0)
            rc = read_output(s, out->key[i], out->item[i], &s->output[i], err);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; p && i < p->n_outputs; i++)
        if (!node_key(out, p->output[i].name))
            s->output[n++] = (struct stage_output){ .name = p->output[i].name,
                                                    .pos = s->pos,
                                                    .kind = p->output[i].kind,
                                                    .set = p->output[i].set,
                                                    .visibility = visibility };
    s->n_outputs = n;
    if (n == 0)
        return pos_error(&s->pos, err,
                         "stage %s has no outputs; name them in out:", s->name);
    qsort(s->output, n, sizeof *s->output, compare_outputs);
    return 0;
}

int ports_read(struct builder *b, struct stage *s, struct error *err)
{
    int rc = read_inputs(b, s, err);

    return rc < 0 ? rc : read_outputs(b, s, err);
}
