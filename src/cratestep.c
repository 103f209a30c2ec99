#include "cratestep.h"

#include <string.h>
#include <time.h>

#include "item.h"
#include "larder/banned.h"
#include "larder/fs.h"
#include "provenance.h"

const char *crate_time(struct crate *c, long long when)
{
    time_t t = (time_t)when;
    struct tm tm;
    char text[40];

    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S+00:00", &tm);
    return arena_strdup(&c->arena, text);
}

long long crate_began(const struct record *record)
{
    return record->starts.n ? record->starts.segment[0].began
                            : record->made - (long long)record->wall;
}

const char *crate_item(struct crate *c, const struct item *item, const struct object *o)
{
    struct buf name = { 0 };
    bool private_ = item->source && item->source->private_;
    const char *id;

    item_name(item, &name);
    for (size_t i = 0; i < item_n_steps(item); i++) {
        const struct step *step = item_step(item, i);
        size_t output = step_object_output(step, (size_t)item->output);

        private_ |= step_output_is_private(step, output);
    }
    if (item->step && !crate_may_name(c, item->step))
        id = crate_withheld(c, buf_str(&name));
    else
        id = crate_data(c, o, buf_str(&name), private_);
    if (item->source)
        crate_source(c, id, item->source);
    buf_release(&name);
    return id;
}

/* ---- the program --------------------------------------------------------------------
 */

static void set_identity(struct json_t *e, const struct digest *d)
{
    char text[8 + DIGEST_HEX], hex[DIGEST_HEX + 1];

    snprintf(text, sizeof text, "sha256:%s", digest_hex(d, hex));
    jsonld_set(e, "softwareVersion", text);
}

/* The files of `code:` and the tools of a `run:` stage. */
static void require_code(struct crate *c, const struct work *w, struct json_t *tool)
{
    const struct step *step = w->step;

    for (size_t i = 0; i < step->n_code; i++)
        jsonld_refer(tool, "softwareRequirements",
                     crate_data(c, &w->facts.code[i], step->code_path[i],
                                step->code[i]->private_));
    for (size_t i = 0; i < step->n_tools; i++) {
        const char *id =
            crate_id(c, "#tool/",
                     arena_printf(&c->arena, "%s/%s", step->stage, step->tool[i].name));
        struct json_t *e = jsonld_entity(c->graph, id, "SoftwareApplication", NULL);

        jsonld_set(e, "name", step->tool[i].name);
        set_identity(e, &w->facts.tool[i]);
        jsonld_refer(tool, "softwareRequirements", id);
    }
}

static void describe_program(const struct program *p, struct json_t *e)
{
    jsonld_set(e, "name", p->name);
    if (p->about && *p->about)
        jsonld_set(e, "description", p->about);
    set_identity(e, &p->identity);
}

static void describe_command(struct crate *c, const struct work *w, struct json_t *e)
{
    const struct step *step = w->step;

    jsonld_set(e, "name",
               arena_printf(&c->arena, "%s of %s",
                            step->executable ? fs_basename(step->executable)
                                             : "a program of its own",
                            step->stage));
    if (step->executable)
        set_identity(e, &w->facts.executable);
    require_code(c, w, e);
}

/* Programs of Larder's own are shared by stages; any other command belongs to one. */
static const char *add_tool(struct crate *c, const struct work *w,
                            struct json_t *workflow)
{
    const struct step *step = w->step;
    const char *id = step->program ? crate_id(c, "#program/", step->program->name)
                                   : crate_id(c, "#command/", step->stage);
    bool added;
    struct json_t *e = jsonld_entity(c->graph, id, "SoftwareApplication", &added);

    if (!added)
        return id;
    if (step->program)
        describe_program(step->program, e);
    else
        describe_command(c, w, e);
    jsonld_refer_new(workflow, "hasPart", id);
    return id;
}

static const char *add_stage(struct crate *c, const struct step *step, const char *tool,
                             struct json_t *workflow)
{
    const char *id = crate_id(c, "#stage/", step->stage);
    bool added;
    struct json_t *e = jsonld_entity(c->graph, id, "HowToStep", &added);

    if (!added)
        return id;
    jsonld_set(e, "name", step->stage);
    jsonld_set(e, "position", arena_printf(&c->arena, "%zu", c->n_stages++));
    jsonld_refer_new(e, "workExample", tool);
    jsonld_refer_new(workflow, "step", id);
    return id;
}

/* ---- what it was given ---------------------------------------------------------------
 */

static const char *add_value(struct crate *c, const char *id, const char *name,
                             const char *value)
{
    struct json_t *e = jsonld_entity(c->graph, id, "PropertyValue", NULL);

    jsonld_set(e, "name", name);
    jsonld_set(e, "value", crate_clean(c, value));
    return id;
}

/* Equal options of a program are one entity. */
static void give_options(struct crate *c, const struct step *step, struct json_t *action)
{
    for (size_t i = 0; i < step->n_options; i++) {
        const struct option_value *o = &step->option[i];
        const char *id = crate_id(c, "#option/",
                                  arena_printf(&c->arena, "%s/%s=%s", step->program->name,
                                               o->name, crate_clean(c, o->text)));

        jsonld_refer(action, "object", add_value(c, id, o->name, o->text));
    }
}

static void give_arguments(struct crate *c, const struct step *step,
                           struct json_t *action)
{
    for (size_t i = 0; i < step->n_args; i++) {
        const char *name =
            step->shell ? "sh" : arena_printf(&c->arena, "argument %zu", i);
        const char *id =
            crate_id(c, "#argument/",
                     arena_printf(&c->arena, "%s/%s", step->name,
                                  step->shell ? "sh" : strchr(name, ' ') + 1));
        struct buf text = { 0 };

        argument_text(&step->arg[i], &text);
        jsonld_refer_new(action, "object",
                         add_value(c, id, name,
                                   i == 0 && !step->shell ? fs_basename(buf_str(&text))
                                                          : buf_str(&text)));
        buf_release(&text);
    }
}

static void give_variables(struct crate *c, const struct step *step,
                           struct json_t *action)
{
    for (size_t i = 0; i < step->n_env; i++)
        jsonld_refer(action, "environment",
                     add_value(c,
                               crate_id(c, "#env/",
                                        arena_printf(&c->arena, "%s/%s", step->name,
                                                     step->env[i])),
                               step->env[i], step->env_value[i]));
    if (step->has_seed) {
        const char *seed =
            arena_printf(&c->arena, "%016llx", (unsigned long long)step->seed);

        jsonld_refer(action, "environment",
                     add_value(c, crate_id(c, "#seed/", seed), "LARDER_SEED", seed));
    }
}

static void give_inputs(struct crate *c, const struct work *w, struct json_t *action)
{
    for (size_t i = 0; i < w->step->n_inputs; i++) {
        const struct input *in = &w->step->input[i];
        const struct object *o = w->facts.input[i];

        if (in->kind == INPUT_PROVENANCE)
            jsonld_refer(action, "object", crate_data(c, o, "plan.provenance", false));
        for (size_t j = 0; in->kind != INPUT_PROVENANCE && j < in->n_items; j++)
            jsonld_refer(action, "object", crate_item(c, &in->item[j], &o[j]));
    }
}

static void give_outputs(struct crate *c, const struct work *w, struct json_t *action)
{
    for (size_t i = 0; i < w->step->n_outputs; i++) {
        const struct item made = { .step = (struct step *)w->step, .output = (int)i };

        jsonld_refer(action, "result", crate_item(c, &made, work_output(w, (int)i)));
    }
}

/* ---- what was done --------------------------------------------------------------------
 */

static void describe_run(struct crate *c, const struct work *w, struct json_t *action)
{
    const struct record *r = w->record;
    char key[DIGEST_HEX + 1], record[DIGEST_HEX + 1];

    jsonld_set(action, "description",
               arena_printf(&c->arena, "Its key is sha256:%s, its record sha256:%s.%s%s",
                            digest_hex(&w->key, key), digest_hex(&r->id, record),
                            r->platform ? " It was made on " : "",
                            r->platform ? r->platform : ""));
    jsonld_set(action, "startTime", crate_time(c, crate_began(r)));
    jsonld_set(action, "endTime", crate_time(c, r->made));
    if (w->step->program)
        give_options(c, w->step, action);
    else
        give_arguments(c, w->step, action);
    give_variables(c, w->step, action);
    give_inputs(c, w, action);
    give_outputs(c, w, action);
}

static void add_control(struct crate *c, const struct step *step, const char *stage,
                        const char *action, struct json_t *control)
{
    const char *id = crate_id(c, "#control/", step->name);
    struct json_t *e = jsonld_entity(c->graph, id, "ControlAction", NULL);

    jsonld_set(e, "name", arena_printf(&c->arena, "start of %s", step->name));
    jsonld_refer_new(e, "instrument", stage);
    jsonld_refer_new(e, "object", action);
    jsonld_refer_new(control, "object", id);
}

void crate_step(struct crate *c, const struct work *w, struct json_t *workflow,
                struct json_t *control)
{
    const char *tool = add_tool(c, w, workflow);
    const char *stage = add_stage(c, w->step, tool, workflow);
    const char *id = crate_id(c, "#step/", w->step->name);
    struct json_t *action = jsonld_entity(c->graph, id, "CreateAction", NULL);

    jsonld_set(action, "name", w->step->name);
    jsonld_refer_new(action, "instrument", tool);
    jsonld_set(action, "actionStatus", "http://schema.org/CompletedActionStatus");
    if (crate_may_name(c, w->step))
        describe_run(c, w, action);
    else
        jsonld_set(action, "description",
                   "What it was given and made never leaves where it was made.");
    jsonld_refer_new(c->root, "mentions", id);
    add_control(c, w->step, stage, id, control);
}
