#include "describe.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "node.h"

#include "larder/banned.h"

struct describing {
    struct arena *arena;
    struct program *p;
    struct error *err;
};

/* A text member; NULL after setting the error when it must be there and is not. */
static const char *text_of(const struct describing *d, const json_t *object,
                           const char *key, const char *otherwise)
{
    const char *s = json_string_value(json_object_get(object, key));

    if (!s && otherwise)
        return otherwise;
    if (!s) {
        error_set(d->err, E_INPUT, "\"%s\" is no text", key);
        return NULL;
    }
    return arena_strdup(d->arena, s);
}

static int name_of(const struct describing *d, const json_t *object, const char **name)
{
    *name = text_of(d, object, "name", NULL);
    if (!*name)
        return E_INPUT;
    if (!name_is_word(*name))
        return error_set(d->err, E_INPUT, "\"%s\" is no name", *name);
    return 0;
}

static int read_port(const struct describing *d, const json_t *json,
                     struct program_port *port)
{
    const char *shape;
    int rc = name_of(d, json, &port->name);

    if (rc < 0)
        return rc;
    port->help = text_of(d, json, "help", "");
    port->optional = json_is_true(json_object_get(json, "optional"));
    shape = text_of(d, json, "shape", NULL);
    if (!shape)
        return error_context(d->err, "%s", port->name);
    port->list = !strcmp(shape, "list");
    port->set = !strcmp(shape, "set");
    port->kind = port->set || !strcmp(shape, "tree") ? OBJECT_TREE : OBJECT_FILE;
    if (!port->list && !port->set && strcmp(shape, "tree") != 0 &&
        strcmp(shape, "file") != 0)
        return error_set(d->err, E_INPUT,
                         "%s: shape %s is none of file, tree, set and list", port->name,
                         shape);
    return 0;
}

static int compare_ports(const void *a, const void *b)
{
    const struct program_port *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int read_ports(const struct describing *d, const json_t *array,
                      struct program_port **ports, size_t *n)
{
    size_t size = json_array_size(array);
    int rc = 0;

    *ports = arena_alloc(d->arena, (size + 1) * sizeof **ports);
    for (size_t i = 0; rc == 0 && i < size; i++)
        rc = read_port(d, json_array_get(array, i), &(*ports)[i]);
    *n = size;
    if (rc == 0)
        qsort(*ports, size, sizeof **ports, compare_ports);
    for (size_t i = 1; rc == 0 && i < size; i++)
        if (!strcmp((*ports)[i].name, (*ports)[i - 1].name))
            rc = error_set(d->err, E_INPUT, "%s is named twice", (*ports)[i].name);
    return rc;
}

/* ---- options --------------------------------------------------------------------- */

static int type_of(const struct describing *d, const char *name, enum option_type *type)
{
    static const char *const names[] = { "int", "float", "bool", "string", "choice" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) {
            *type = (enum option_type)i;
            return 0;
        }
    return error_set(d->err, E_INPUT, "there is no type %s", name);
}

static int read_option(const struct describing *d, const json_t *json,
                       struct program_option *o)
{
    const json_t *choices = json_object_get(json, "choices");
    const json_t *min = json_object_get(json, "min"), *max = json_object_get(json, "max");
    const char *type, *standard;
    int rc = name_of(d, json, &o->name);

    if (rc < 0)
        return rc;
    o->help = text_of(d, json, "help", "");
    o->min = json_is_number(min) ? json_number_value(min) : -INFINITY;
    o->max = json_is_number(max) ? json_number_value(max) : INFINITY;
    type = text_of(d, json, "type", NULL);
    rc = type ? type_of(d, type, &o->type) : E_INPUT;
    o->n_choices = json_array_size(choices);
    o->choice = arena_alloc(d->arena, (o->n_choices + 1) * sizeof *o->choice);
    for (size_t i = 0; rc == 0 && i < o->n_choices; i++) {
        const char *s = json_string_value(json_array_get(choices, i));
        o->choice[i] = arena_strdup(d->arena, s ? s : "");
    }
    standard = rc == 0 ? text_of(d, json, "default", NULL) : NULL;
    rc = standard ? program_value(o, standard, d->arena, &o->standard, d->err) : E_INPUT;
    return rc < 0 ? error_context(d->err, "option %s", o->name) : 0;
}

static int compare_options(const void *a, const void *b)
{
    const struct program_option *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int read_options(const struct describing *d, const json_t *array)
{
    struct program *p = d->p;
    int rc = 0;

    p->n_options = json_array_size(array);
    p->option = arena_alloc(d->arena, (p->n_options + 1) * sizeof *p->option);
    for (size_t i = 0; rc == 0 && i < p->n_options; i++)
        rc = read_option(d, json_array_get(array, i), &p->option[i]);
    if (rc == 0)
        qsort(p->option, p->n_options, sizeof *p->option, compare_options);
    for (size_t i = 1; rc == 0 && i < p->n_options; i++)
        if (!strcmp(p->option[i].name, p->option[i - 1].name))
            rc =
                error_set(d->err, E_INPUT, "option %s is named twice", p->option[i].name);
    return rc;
}

/* ---- the whole ------------------------------------------------------------------- */

static int read_program(const struct describing *d, const json_t *json)
{
    const json_t *format = json_object_get(json, "larder-program");
    struct program *p = d->p;
    const char *identity;
    int rc;

    if (json_integer_value(format) != 1)
        return error_set(
            d->err, E_INPUT,
            "\"larder-program\" is not 1, the format that this version reads");
    rc = name_of(d, json, &p->name);
    if (rc < 0)
        return rc;
    p->about = text_of(d, json, "about", "");
    identity = text_of(d, json, "identity", NULL);
    if (!identity || !digest_parse(&p->identity, identity))
        return error_set(d->err, E_INPUT,
                         "\"identity\" is no sha256:… of 64 hex digits; docs/"
                         "stage-protocol.md tells what to print");
    p->seed = json_is_true(json_object_get(json, "seed"));
    p->checkpoint = json_is_true(json_object_get(json, "checkpoint"));
    rc = read_ports(d, json_object_get(json, "inputs"), &p->input, &p->n_inputs);
    if (rc == 0)
        rc = read_ports(d, json_object_get(json, "outputs"), &p->output, &p->n_outputs);
    if (rc == 0)
        rc = read_options(d, json_object_get(json, "options"));
    for (size_t i = 0; rc == 0 && i < p->n_outputs; i++)
        if (p->output[i].list)
            rc =
                error_set(d->err, E_INPUT, "%s: an output is no list", p->output[i].name);
    return rc;
}

int describe_read(struct arena *arena, const char *json, struct program *p,
                  struct error *err)
{
    struct describing d = { arena, p, err };
    json_error_t at;
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &at);
    int rc;

    if (!root)
        return error_set(err, E_INPUT, "line %d, column %d: %s", at.line, at.column,
                         at.text);
    rc = read_program(&d, root);
    json_decref(root);
    return rc;
}
