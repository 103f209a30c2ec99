#include "identify.h"

#include <string.h>

#include "facts.h"
#include "item.h"
#include "larder/banned.h"

#include "provenance.h"

static int identify_source(struct session *s, struct work *w, const struct source *source,
                           struct object *o, struct error *err)
{
    int rc = facts_identify(s->facts, source, o, err);

    if (rc == FACTS_ABROAD)
        w->abroad = source;
    return rc;
}

static int identify_item(struct session *s, struct work *w, const struct item *item,
                         struct object *o, struct error *err)
{
    if (item->source)
        return identify_source(s, w, item->source, o, err);
    item_object(s->work, item, o);
    return 0;
}

static int identify_provenance(struct session *s, const struct work *w, struct object *o,
                               struct error *err)
{
    struct buf text = { 0 };
    int rc = provenance_write(s, w, &text, err);

    *o = (struct object){ .kind = OBJECT_FILE, .size = (long long)text.len };
    digest_bytes(&o->id, buf_str(&text), text.len);
    buf_release(&text);
    return rc;
}

static int identify_input(struct session *s, struct work *w, size_t i, struct error *err)
{
    const struct input *in = &w->step->input[i];
    int rc = 0;

    if (in->kind == INPUT_PROVENANCE)
        return identify_provenance(s, w, w->facts.input[i], err);
    for (size_t j = 0; j < in->n_items && rc == 0; j++)
        rc = identify_item(s, w, &in->item[j], &w->facts.input[i][j], err);
    return rc;
}

static int identify_tool(struct session *s, struct work *w, size_t i, struct error *err)
{
    const struct tool *tool = &w->step->tool[i];
    struct object o = { .id = tool->digest };
    int rc = tool->source ? identify_source(s, w, tool->source, &o, err) : 0;

    w->facts.tool[i] = o.id;
    return rc;
}

static int no_program(const struct step *step, struct error *err)
{
    const char *name = step->executable;

    if (strchr(name, '/'))
        return pos_error(&step->command, err,
                         "stage %s: there is no program %s; install it, or name another",
                         step->stage, name);
    return pos_error(&step->command, err,
                     "stage %s: there is no program %s in PATH; install it, or write "
                     "where it is: an absolute path, or ./%s with code: [./%s]",
                     step->stage, name, name, name);
}

int identify_program(struct session *s, struct work *w, struct error *err)
{
    const char *path = w->step->executable;
    int rc = path ? facts_executable(s->facts, path, &w->facts.executable, err) : 0;

    return rc == FS_ABSENT ? no_program(w->step, err) : rc;
}

/* Room for the objects of the inputs, each list at least one long. */
static void make_room(struct session *s, struct work *w)
{
    const struct step *step = w->step;

    if (w->facts.input)
        return;
    w->facts.input =
        arena_alloc(&s->arena, (step->n_inputs + 1) * sizeof *w->facts.input);
    for (size_t i = 0; i < step->n_inputs; i++)
        w->facts.input[i] = arena_alloc(&s->arena, (step->input[i].n_items + 1) *
                                                       sizeof **w->facts.input);
    w->facts.code = arena_alloc(&s->arena, (step->n_code + 1) * sizeof *w->facts.code);
    w->facts.tool = arena_alloc(&s->arena, (step->n_tools + 1) * sizeof *w->facts.tool);
}

int identify_key(struct session *s, struct work *w, struct error *err)
{
    int rc = 0;

    if (w->key_text.len)
        return 0;
    make_room(s, w);
    for (size_t i = 0; i < w->step->n_inputs && rc == 0; i++)
        rc = identify_input(s, w, i, err);
    for (size_t i = 0; i < w->step->n_code && rc == 0; i++)
        rc = identify_source(s, w, w->step->code[i], &w->facts.code[i], err);
    for (size_t i = 0; i < w->step->n_tools && rc == 0; i++)
        rc = identify_tool(s, w, i, err);
    if (rc == 0)
        rc = identify_program(s, w, err);
    if (rc == 0)
        key_of_step(w->step, &w->facts, &w->key_text, &w->key);
    return rc;
}
