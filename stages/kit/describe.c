#include "kit/describe.h"

#include <jansson.h>

#include "larder/banned.h"

const char *describe_shape(const struct stage_arg *port)
{
    switch (port->shape) {
    case SHAPE_TREE:
        return "tree";
    case SHAPE_SET:
        return "set";
    case SHAPE_LIST:
        return "list";
    case SHAPE_FILE:
        break;
    }
    return "file";
}

bool describe_is_option(const struct stage_arg *a)
{
    return a->kind == ARG_INT || a->kind == ARG_FLOAT || a->kind == ARG_BOOL ||
           a->kind == ARG_STRING || a->kind == ARG_CHOICE;
}

const char *describe_type(const struct stage_arg *option)
{
    switch (option->kind) {
    case ARG_INT:
        return "int";
    case ARG_FLOAT:
        return "float";
    case ARG_BOOL:
        return "bool";
    case ARG_CHOICE:
        return "choice";
    default:
        return "string";
    }
}

void describe_value(struct buf *b, const struct stage_arg *option)
{
    const char *text;

    switch (option->kind) {
    case ARG_INT:
        buf_printf(b, "%d", *(const int *)option->to);
        break;
    case ARG_FLOAT:
        buf_add_double(b, *(const double *)option->to);
        break;
    case ARG_BOOL:
        buf_adds(b, *(const bool *)option->to ? "true" : "false");
        break;
    default:
        text = *(const char *const *)option->to;
        buf_adds(b, text != NULL ? text : "");
    }
}

void describe_range(struct buf *b, const struct stage_arg *option)
{
    if (option->kind == ARG_INT) {
        buf_printf(b, "%.0f to %.0f", option->min, option->max);
    } else {
        buf_add_double(b, option->min);
        buf_adds(b, " to ");
        buf_add_double(b, option->max);
    }
}

static const struct stage_arg *find_kind(const struct stage_arg *args,
                                         enum stage_arg_kind kind)
{
    for (; args->kind != ARG_END; args++)
        if (args->kind == kind)
            return args;
    return NULL;
}

/* --help */

enum { HELP_COLUMN = 26 }; /* where the explanations begin */

/* "  left" padded to the column of explanations, or a line of its own when it is long. */
static void add_left(struct buf *b, const struct buf *left)
{
    buf_printf(b, "  %s", buf_str(left));
    if (left->len + 4 > HELP_COLUMN)
        buf_printf(b, "\n%*s", HELP_COLUMN, "");
    else
        buf_printf(b, "%*s", HELP_COLUMN - 2 - (int)left->len, "");
}

static void help_usage(struct buf *b, const struct stage_arg *args)
{
    size_t start = b->len;
    bool options = false;

    buf_printf(b, "usage: %s", larder_program_name);
    for (const struct stage_arg *a = args; a->kind != ARG_END; a++) {
        options |= describe_is_option(a);
        if (a->kind != ARG_IN && a->kind != ARG_OUT)
            continue;
        if (b->len - start > 70) {
            buf_addc(b, '\n');
            start = b->len;
            buf_printf(b, "%*s", 8, "");
        }
        buf_printf(b, a->optional ? " [%s=PATH]" : " %s=PATH", a->name);
    }
    buf_adds(b, options ? " [--OPTION=VALUE ...]\n" : "\n");
}

static void help_ports(struct buf *b, const struct stage_arg *args,
                       enum stage_arg_kind kind, const char *title)
{
    struct buf left = { 0 };

    if (find_kind(args, kind) == NULL)
        return;
    buf_printf(b, "\n%s:\n", title);
    for (; args->kind != ARG_END; args++) {
        if (args->kind != kind)
            continue;
        buf_reset(&left);
        buf_printf(&left, "%s (%s)", args->name, describe_shape(args));
        add_left(b, &left);
        buf_printf(b, "%s%s\n", args->help, args->optional ? " (may be left out)" : "");
    }
    buf_release(&left);
}

static void help_option(struct buf *b, const struct stage_arg *a)
{
    struct buf left = { 0 };

    buf_printf(&left, "--%s=%s", a->name, describe_type(a));
    add_left(b, &left);
    buf_printf(b, "%s\n%*s", a->help, HELP_COLUMN, "");
    if (a->kind == ARG_INT || a->kind == ARG_FLOAT) {
        describe_range(b, a);
        buf_adds(b, "; ");
    } else if (a->kind == ARG_CHOICE) {
        buf_printf(b, "one of %s; ", a->choices);
    }
    buf_adds(b, "default ");
    buf_reset(&left);
    describe_value(&left, a);
    buf_printf(b, "%s\n", left.len > 0 ? buf_str(&left) : "\"\"");
    buf_release(&left);
}

void describe_help(struct buf *b, const struct stage_arg *args)
{
    const struct stage_arg *about = find_kind(args, ARG_ABOUT);
    bool first = true;

    buf_adds(b, larder_program_name);
    if (about != NULL)
        buf_printf(b, " - %s", about->help);
    buf_adds(b, "\n\n");
    help_usage(b, args);
    help_ports(b, args, ARG_IN, "inputs");
    help_ports(b, args, ARG_OUT, "outputs");
    for (const struct stage_arg *a = args; a->kind != ARG_END; a++) {
        if (!describe_is_option(a))
            continue;
        buf_adds(b, first ? "\noptions:\n" : "");
        first = false;
        help_option(b, a);
    }
    buf_adds(b, "\nenvironment:\n"
                "  LARDER_THREADS          threads to use; default 1\n"
                "  LARDER_DEVICE           cpu, cuda:N or auto; default cpu\n"
                "  LARDER_PROGRESS         a file descriptor for lines of progress\n");
    if (find_kind(args, ARG_SEED) != NULL)
        buf_adds(b, "  LARDER_SEED             1 to 16 hex digits; default 0\n");
    if (find_kind(args, ARG_CHECKPOINT) != NULL)
        buf_adds(b, "  LARDER_CHECKPOINT       a folder to resume from\n");
}

/* --describe */

static json_t *json_port(const struct stage_arg *a)
{
    json_t *port = json_pack("{ss ss}", "name", a->name, "shape", describe_shape(a));

    if (a->kind == ARG_IN)
        json_object_set_new(port, "optional", json_boolean(a->optional));
    json_object_set_new(port, "help", json_string(a->help));
    return port;
}

static json_t *json_choices(const char *choices)
{
    json_t *list = json_array();
    size_t n;

    for (;; choices += n + 1) {
        n = strcspn(choices, "|");
        json_array_append_new(list, json_stringn(choices, n));
        if (choices[n] == '\0')
            return list;
    }
}

static json_t *json_option(const struct stage_arg *a)
{
    json_t *option = json_pack("{ss ss}", "name", a->name, "type", describe_type(a));
    struct buf value = { 0 };

    if (a->kind == ARG_INT) {
        json_object_set_new(option, "min", json_integer((json_int_t)a->min));
        json_object_set_new(option, "max", json_integer((json_int_t)a->max));
    } else if (a->kind == ARG_FLOAT) {
        json_object_set_new(option, "min", json_real(a->min));
        json_object_set_new(option, "max", json_real(a->max));
    } else if (a->kind == ARG_CHOICE) {
        json_object_set_new(option, "choices", json_choices(a->choices));
    }
    describe_value(&value, a);
    json_object_set_new(option, "default", json_string(buf_str(&value)));
    json_object_set_new(option, "help", json_string(a->help));
    buf_release(&value);
    return option;
}

void describe_json(struct buf *b, const struct stage_arg *args)
{
    const struct stage_arg *about = find_kind(args, ARG_ABOUT);
    json_t *inputs = json_array(), *outputs = json_array(), *options = json_array();
    json_t *program;
    char *text;

    for (const struct stage_arg *a = args; a->kind != ARG_END; a++) {
        if (a->kind == ARG_IN || a->kind == ARG_OUT)
            json_array_append_new(a->kind == ARG_IN ? inputs : outputs, json_port(a));
        else if (describe_is_option(a))
            json_array_append_new(options, json_option(a));
    }
    program = json_pack("{si ss ss ss sb sb so so so}", "larder-program", 1, "name",
                        larder_program_name, "about", about != NULL ? about->help : "",
                        "identity", larder_program_identity, "seed",
                        find_kind(args, ARG_SEED) != NULL, "checkpoint",
                        find_kind(args, ARG_CHECKPOINT) != NULL, "inputs", inputs,
                        "outputs", outputs, "options", options);
    text = json_dumps(program, JSON_COMPACT);
    buf_printf(b, "%s\n", text);
    free(text);
    json_decref(program);
}
