#include "plancopy.h"

#include <string.h>

#include "larder/banned.h"
#include "larder/map.h"

/* A copy being made at the address where it will be mapped. */
struct copy {
    char *start, *end; /* of what is used */
    size_t room;
    struct map texts;  /* text to its copy: many stand in many steps */
    struct map places; /* recipe_text by its path, to its copy */
    struct map programs;
    const struct plan *from;
    struct step *step; /* the copies of from->step, in a row */
    struct source *source;
    bool full;
};

static void *take(struct copy *c, size_t n)
{
    char *at = c->end;

    n = (n + 15) / 16 * 16;
    if (n > (size_t)(c->start + c->room - c->end)) {
        c->full = true;
        return c->start; /* whatever is written there: the copy is thrown away */
    }
    c->end += n;
    return at;
}

static void *take_copy(struct copy *c, const void *from, size_t n)
{
    void *to = take(c, n);

    if (n)
        memcpy(to, from, n);
    return to;
}

static const char *text(struct copy *c, const char *from)
{
    const char *to;

    if (!from)
        return NULL;
    to = map_get(&c->texts, from);
    if (!to) {
        to = take_copy(c, from, strlen(from) + 1);
        map_set(&c->texts, from, (void *)to);
    }
    return to;
}

static const char **texts(struct copy *c, const char *const *from, size_t n)
{
    const char **to = take(c, (n + 1) * sizeof *to);

    for (size_t i = 0; from && i < n; i++)
        to[i] = text(c, from[i]);
    return to;
}

/* The words of the recipe are not kept; a message that shows them reads them again. */
static void copy_pos(struct copy *c, struct pos *pos)
{
    const struct recipe_text *from = pos->text;
    struct recipe_text *to;

    pos->file = text(c, pos->file);
    if (!from)
        return;
    to = map_get(&c->places, from->path);
    if (!to) {
        to = take_copy(c, from, sizeof *from);
        to->file = text(c, from->file);
        to->path = text(c, from->path);
        to->s = NULL;
        to->n = 0;
        map_set(&c->places, from->path, to);
    }
    pos->text = to;
}

/* What a program is called and where it is; its options have been checked. */
static const struct program *copy_program(struct copy *c, const struct program *from)
{
    struct program *to;

    if (!from)
        return NULL;
    to = map_get(&c->programs, from->path);
    if (to)
        return to;
    to = take_copy(c, from, sizeof *from);
    to->name = text(c, from->name);
    to->about = text(c, from->about);
    to->path = text(c, from->path);
    to->option = NULL;
    to->input = to->output = NULL;
    to->n_options = to->n_inputs = to->n_outputs = 0;
    map_set(&c->programs, from->path, to);
    return to;
}

static struct step *copied_step(struct copy *c, const struct step *from)
{
    return from ? &c->step[from->index] : NULL;
}

static struct source *copied_source(struct copy *c, const struct source *from)
{
    return from ? &c->source[from->index] : NULL;
}

static struct step **copy_steps(struct copy *c, struct step *const *from, size_t n)
{
    struct step **to = take(c, (n + 1) * sizeof *to);

    for (size_t i = 0; i < n; i++)
        to[i] = copied_step(c, from[i]);
    return to;
}

static void copy_source(struct copy *c, const struct source *from)
{
    struct source *to = copied_source(c, from);

    *to = *from;
    to->name = text(c, from->name);
    copy_pos(c, &to->pos);
    to->from = texts(c, from->from, from->n_from);
    to->pin.prefix = text(c, from->pin.prefix);
    to->pin.md5 = text(c, from->pin.md5);
    to->pins = text(c, from->pins);
    to->license = text(c, from->license);
    to->user = copy_steps(c, from->user, from->n_users);
    to->missing = text(c, from->missing);
}

static void copy_item(struct copy *c, struct item *to, size_t n_columns)
{
    to->value = to->value ? texts(c, to->value, n_columns) : NULL;
    to->source = copied_source(c, to->source);
    to->step = copied_step(c, to->step);
}

static void copy_input(struct copy *c, struct input *to)
{
    to->name = text(c, to->name);
    copy_pos(c, &to->pos);
    to->column = texts(c, to->column, to->n_columns);
    to->item = take_copy(c, to->item, to->n_items * sizeof *to->item);
    for (size_t i = 0; i < to->n_items; i++)
        copy_item(c, &to->item[i], to->n_columns);
}

static const void *copy_or_null(struct copy *c, const void *from, size_t n)
{
    return from ? take_copy(c, from, n) : NULL;
}

static const struct expect *copy_expect(struct copy *c, const struct expect *from)
{
    struct expect *to;

    if (!from)
        return NULL;
    to = take_copy(c, from, sizeof *from);
    copy_pos(c, &to->pos);
    to->sha256 = copy_or_null(c, from->sha256, sizeof *from->sha256);
    to->records = copy_or_null(c, from->records, sizeof *from->records);
    to->lines = copy_or_null(c, from->lines, sizeof *from->lines);
    to->columns = text(c, from->columns);
    return to;
}

static const struct comparator *copy_comparator(struct copy *c,
                                                const struct comparator *from)
{
    struct comparator *to;

    if (!from)
        return NULL;
    to = take_copy(c, from, sizeof *from);
    copy_pos(c, &to->pos);
    to->value = text(c, from->value);
    to->low = text(c, from->low);
    to->high = text(c, from->high);
    to->except = text(c, from->except);
    return to;
}

static void copy_metrics(struct copy *c, struct step *to)
{
    to->metric = take_copy(c, to->metric, to->n_metrics * sizeof *to->metric);
    for (size_t i = 0; i < to->n_metrics; i++) {
        to->metric[i].name = text(c, to->metric[i].name);
        copy_pos(c, &to->metric[i].pos);
    }
}

static void copy_outputs(struct copy *c, struct step *to)
{
    to->output = take_copy(c, to->output, to->n_outputs * sizeof *to->output);
    for (size_t i = 0; i < to->n_outputs; i++) {
        struct output *o = &to->output[i];

        o->name = text(c, o->name);
        o->path = text(c, o->path);
        copy_pos(c, &o->pos);
        o->expect = copy_expect(c, o->expect);
        o->compare = copy_comparator(c, o->compare);
    }
}

static void copy_options(struct copy *c, struct step *to)
{
    to->option = take_copy(c, to->option, to->n_options * sizeof *to->option);
    for (size_t i = 0; i < to->n_options; i++) {
        struct option_value *o = &to->option[i];

        o->name = text(c, o->name);
        o->type = text(c, o->type);
        o->text = text(c, o->text);
        copy_pos(c, &o->pos);
    }
}

static void copy_arguments(struct copy *c, struct step *to)
{
    to->arg = take_copy(c, to->arg, to->n_args * sizeof *to->arg);
    for (size_t i = 0; i < to->n_args; i++) {
        struct arg *a = &to->arg[i];

        a->word = take_copy(c, a->word, a->n_words * sizeof *a->word);
        for (size_t k = 0; k < a->n_words; k++)
            a->word[k].text = text(c, a->word[k].text);
    }
}

static struct source **copy_sources(struct copy *c, struct source *const *from, size_t n)
{
    struct source **to = take(c, (n + 1) * sizeof *to);

    for (size_t i = 0; i < n; i++)
        to[i] = copied_source(c, from[i]);
    return to;
}

static void copy_code(struct copy *c, struct step *to)
{
    to->code = copy_sources(c, to->code, to->n_code);
    to->code_path = texts(c, to->code_path, to->n_code);
}

static void copy_tools(struct copy *c, struct step *to)
{
    to->tool = take_copy(c, to->tool, to->n_tools * sizeof *to->tool);
    for (size_t i = 0; i < to->n_tools; i++) {
        struct tool *t = &to->tool[i];

        t->name = text(c, t->name);
        copy_pos(c, &t->pos);
        t->source = copied_source(c, t->source);
        t->path = text(c, t->path);
    }
}

static void copy_step(struct copy *c, const struct step *from)
{
    struct step *to = copied_step(c, from);

    *to = *from;
    to->name = text(c, from->name);
    to->stage = text(c, from->stage);
    copy_pos(c, &to->pos);
    to->axis = texts(c, from->axis, from->n_axes);
    to->value = texts(c, from->value, from->n_axes);
    to->program = copy_program(c, from->program);
    to->executable = text(c, from->executable);
    copy_pos(c, &to->command);
    copy_arguments(c, to);
    copy_code(c, to);
    copy_tools(c, to);
    copy_options(c, to);
    to->env = texts(c, from->env, from->n_env);
    to->env_value = texts(c, from->env_value, from->n_env);
    to->passed = texts(c, from->passed, from->n_passed);
    to->input = take_copy(c, from->input, from->n_inputs * sizeof *to->input);
    for (size_t i = 0; i < to->n_inputs; i++)
        copy_input(c, &to->input[i]);
    copy_outputs(c, to);
    copy_metrics(c, to);
    to->source = copy_sources(c, from->source, from->n_sources);
    to->need = copy_steps(c, from->need, from->n_needs);
    to->user = copy_steps(c, from->user, from->n_users);
}

/* The steps of all shards have one list. */
static void share_parts(struct copy *c, const struct step *first)
{
    struct step **part = copy_steps(c, first->part, first->n_parts);

    for (size_t i = 0; i < first->n_parts; i++)
        part[i]->part = part;
}

static void copy_target(struct copy *c, struct target *to)
{
    to->name = text(c, to->name);
    copy_pos(c, &to->pos);
    to->step = copy_steps(c, to->step, to->n_steps);
    to->get = take_copy(c, to->get, to->n_gets * sizeof *to->get);
    for (size_t i = 0; i < to->n_gets; i++) {
        struct placement *g = &to->get[i];

        copy_pos(c, &g->pos);
        copy_item(c, &g->item, 0);
        g->to = text(c, g->to);
    }
}

static void copy_all(struct copy *c, const struct plan *from)
{
    struct plan *to = take_copy(c, from, sizeof *from);

    to->arena = (struct arena){ 0 };
    to->lock_path = text(c, from->lock_path);
    to->lock_file = text(c, from->lock_file);
    c->from = from;
    c->step = take(c, (from->n_steps + 1) * sizeof *c->step);
    c->source = take(c, (from->n_sources + 1) * sizeof *c->source);
    if (c->full)
        return;
    to->source = take(c, (from->n_sources + 1) * sizeof *to->source);
    for (size_t i = 0; i < from->n_sources; i++) {
        to->source[i] = &c->source[i];
        copy_source(c, from->source[i]);
    }
    for (size_t i = 0; i < from->n_steps; i++)
        copy_step(c, from->step[i]);
    for (size_t i = 0; i < from->n_steps; i++)
        if (from->step[i]->n_parts && from->step[i]->shard == 0)
            share_parts(c, from->step[i]);
    to->step = copy_steps(c, from->step, from->n_steps);
    to->by_name = copy_steps(c, from->by_name, from->n_steps);
    to->target = take_copy(c, from->target, from->n_targets * sizeof *to->target);
    for (size_t i = 0; i < to->n_targets; i++)
        copy_target(c, &to->target[i]);
    to->project = text(c, from->project);
    to->standard = text(c, from->standard);
    copy_pos(c, &to->standard_pos);
}

char *plan_copy(const struct plan *from, char *at, size_t room)
{
    struct copy c = { .start = at, .end = at, .room = room };

    copy_all(&c, from);
    map_release(&c.programs);
    map_release(&c.places);
    map_release(&c.texts);
    return c.full ? NULL : c.end;
}
