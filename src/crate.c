#include "crate.h"

#include <string.h>

#include "bring.h"
#include "cratestep.h"
#include "identify.h"
#include "item.h"
#include "larder/banned.h"
#include "larder/fs.h"
#include "lookup.h"

#define METADATA "ro-crate-metadata.json"

static const char contexts[] = "https://w3id.org/ro/crate/1.1/context "
                               "https://w3id.org/ro/terms/workflow-run/context";
static const char crate_format[] = "https://w3id.org/ro/crate/1.1";
static const char workflow_profile[] =
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0";
static const struct {
    const char *id, *name, *version;
} profile[] = {
    { "https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5" },
    { "https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5" },
    { "https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5" },
    { workflow_profile, "Workflow RO-Crate", "1.0" },
};
enum { N_PROFILES = sizeof profile / sizeof *profile };

/* ---- the crate as a whole -------------------------------------------------------------
 */

static void begin(struct crate *c, const struct target *target)
{
    struct json_t *about = jsonld_entity(c->graph, METADATA, "CreativeWork", NULL);

    jsonld_refer_new(about, "about", "./");
    jsonld_refer_new(about, "conformsTo", crate_format);
    jsonld_refer_new(about, "conformsTo", workflow_profile);
    c->root = jsonld_entity(c->graph, "./", "Dataset", NULL);
    jsonld_set(c->root, "name",
               arena_printf(&c->arena, "%s of %s", target->name,
                            fs_basename(c->s->recipe_path)));
    jsonld_set(c->root, "description",
               "What a run of Larder made, and how. In it are the recipe and the files "
               "that the target places; data that it read and results on the way are "
               "named by their digests.");
    for (size_t i = 0; i < N_PROFILES; i++) {
        struct json_t *e = jsonld_entity(c->graph, profile[i].id, "CreativeWork", NULL);

        jsonld_set(e, "name", profile[i].name);
        jsonld_set(e, "version", profile[i].version);
        jsonld_refer_new(c->root, "conformsTo", profile[i].id);
    }
}

/* RO-Crate asks for one. */
static void set_license(struct crate *c)
{
    struct json_t *e = jsonld_entity(c->graph, "#license", "CreativeWork", NULL);

    jsonld_set(e, "name", "not declared");
    jsonld_set(e, "description",
               "The recipe declares licences of data that it takes from outside, each at "
               "its file; it declares none of the crate as a whole.");
    jsonld_refer_new(c->root, "license", "#license");
}

static void set_language(struct crate *c, struct json_t *workflow)
{
    struct json_t *e =
        jsonld_entity(c->graph, "#larder-recipe", "ComputerLanguage", NULL);

    jsonld_set(e, "name", "Larder recipe");
    jsonld_set(e, "version", "1");
    jsonld_refer_new(workflow, "programmingLanguage", "#larder-recipe");
}

/* ---- the recipe -----------------------------------------------------------------------
 */

static int bring(void *self, const struct source *source, struct buf *path,
                 struct error *err)
{
    return bring_included(self, source, path, err);
}

/* A plan that was kept has no recipe. */
static int read_recipe(struct session *s, struct error *err)
{
    const struct recipe_bring bringing = { bring, s };

    return s->recipe
               ? 0
               : recipe_read(&s->recipe, s->project, s->recipe_path, s->cli->profile,
                             s->cli->setting, s->cli->n_settings, NULL, &bringing, err);
}

/* Where a file of the recipe lies in the crate: as in the project, if it is of it. */
static const char *place_of_recipe(struct crate *c, const char *path)
{
    const char *project = c->s->project;

    if (fs_is_below(path, project) && !fs_is_below(path, c->s->cache))
        return path + strlen(project) + strspn(path + strlen(project), "/");
    return arena_printf(&c->arena, "included/%s", fs_basename(path));
}

static int add_recipe_file(struct crate *c, const char *path, const char *types,
                           const char **id, struct error *err)
{
    char text[8 + DIGEST_HEX], hex[DIGEST_HEX + 1];
    struct buf bytes = { 0 };
    struct digest d;
    int rc = fs_read(path, &bytes, err);

    if (rc == 0)
        rc = crate_put(c, &bytes, place_of_recipe(c, path), types, id, err);
    if (rc == 0) {
        digest_bytes(&d, buf_str(&bytes), bytes.len);
        snprintf(text, sizeof text, "sha256:%s", digest_hex(&d, hex));
        jsonld_set(jsonld_entity(c->graph, *id, "", NULL), "version", text);
    }
    buf_release(&bytes);
    return rc;
}

static int add_recipe(struct crate *c, struct json_t **workflow, struct error *err)
{
    const struct node *name;
    const char *id, *workflow_id;
    int rc = read_recipe(c->s, err);

    if (rc == 0)
        rc = add_recipe_file(c, c->s->recipe->file[0],
                             "File SoftwareSourceCode ComputationalWorkflow HowTo", &id,
                             err);
    if (rc < 0)
        return rc;
    workflow_id = id;
    *workflow = jsonld_entity(c->graph, id, "", NULL);
    name = node_get(c->s->recipe->root, "name");
    if (name && name->kind == NODE_SCALAR)
        jsonld_set(*workflow, "name", name->text);
    jsonld_set(*workflow, "encodingFormat", "application/yaml");
    jsonld_refer_new(c->root, "mainEntity", id);
    set_language(c, *workflow);
    for (size_t i = 1; i < c->s->recipe->n_files && rc == 0; i++) {
        rc = add_recipe_file(c, c->s->recipe->file[i], "File SoftwareSourceCode", &id,
                             err);
        if (rc == 0) /* hasPart of a workflow is for tools that ran */
            jsonld_refer(jsonld_entity(c->graph, id, "", NULL), "isPartOf", workflow_id);
    }
    return rc;
}

/* ---- what it was given, and what it gave ----------------------------------------------
 */

/* Of the workflow: a value or a thing with a name. */
static void add_parameter(struct crate *c, struct json_t *workflow, const char *list,
                          const char *id, const char *name, const char *kind,
                          const char *example)
{
    bool added;
    struct json_t *e = jsonld_entity(c->graph, id, "FormalParameter", &added);

    if (!added)
        return;
    jsonld_set(e, "name", name);
    jsonld_set(e, "additionalType", kind);
    jsonld_refer_new(e, "workExample", example);
    jsonld_refer(jsonld_entity(c->graph, example, "", NULL), "exampleOfWork", id);
    jsonld_refer_new(workflow, list, id);
}

static const char *kind_name(enum object_kind kind)
{
    return kind == OBJECT_TREE ? "Dataset" : "File";
}

static void give_setting(struct crate *c, struct json_t *workflow, struct json_t *run,
                         const char *name, const char *value)
{
    const char *id = crate_id(c, "#setting/", name);
    struct json_t *e = jsonld_entity(c->graph, id, "PropertyValue", NULL);

    jsonld_set(e, "name", name);
    jsonld_set(e, "value", crate_clean(c, value));
    jsonld_refer(run, "object", id);
    add_parameter(c, workflow, "input", crate_id(c, "#parameter/", name), name, "Text",
                  id);
}

static void give_settings(struct crate *c, struct json_t *workflow, struct json_t *run)
{
    const struct session *s = c->s;

    if (s->recipe->profile)
        give_setting(c, workflow, run, "profile", s->recipe->profile);
    for (size_t i = 0; i < s->cli->n_settings; i++)
        give_setting(c, workflow, run, s->cli->setting[i].name, s->cli->setting[i].value);
}

static void give_source(struct crate *c, struct json_t *workflow, struct json_t *run,
                        const struct item *item, const struct object *o)
{
    const char *id = crate_item(c, item, o);
    struct buf name = { 0 };

    item_name(item, &name);
    jsonld_refer(run, "object", id);
    add_parameter(c, workflow, "input", crate_id(c, "#input/", buf_str(&name)),
                  buf_str(&name), kind_name(o->kind), id);
    buf_release(&name);
}

static void give_sources(struct crate *c, struct json_t *workflow, struct json_t *run,
                         const struct work *w)
{
    for (size_t i = 0; i < w->step->n_inputs && crate_may_name(c, w->step); i++) {
        const struct input *in = &w->step->input[i];

        for (size_t j = 0; j < in->n_items; j++)
            if (in->item[j].source)
                give_source(c, workflow, run, &in->item[j], &w->facts.input[i][j]);
    }
}

static bool item_is_private(const struct item *item)
{
    size_t output = step_object_output(item->step, (size_t)item->output);

    for (size_t i = 0; i < item_n_steps(item); i++)
        if (step_output_is_private(item_step(item, i), output))
            return true;
    return false;
}

/* Copies what the target places, as far as it may leave: as push has it. */
static int add_result(struct crate *c, const struct placement *get, const char **id,
                      struct error *err)
{
    struct object o;
    int rc;

    if (!crate_may_name(c, get->item.step) || item_is_private(&get->item)) {
        item_object(c->s->work, &get->item, &o);
        *id = crate_item(c, &get->item, &o);
        say_line(&c->s->say, SAY_NORMAL, TONE_PLAIN, "%s is %s: left out", get->to,
                 crate_may_name(c, get->item.step) ? "private" : "never to leave");
        return 0;
    }
    if (!strcmp(get->to, METADATA))
        return error_set(
            err, E_INPUT,
            "%s is placed by the target, and the crate has its own: place it "
            "under another name, or name another target",
            METADATA);
    rc = lookup_item(c->s, &get->item, err);
    if (rc == 0)
        rc = item_publish(c->s->store, c->s->work, &get->item, &o, err);
    return rc == 0 ? crate_copy(c, &o, get->to, id, err) : rc;
}

/* id[]: what stands for each placement. */
static int add_results(struct crate *c, const struct target *target, const char **id,
                       struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < target->n_gets && rc == 0; i++)
        rc = add_result(c, &target->get[i], &id[i], err);
    return rc;
}

static void give_results(struct crate *c, const struct target *target,
                         struct json_t *workflow, struct json_t *run, const char **id)
{
    for (size_t i = 0; i < target->n_gets; i++) {
        const struct placement *get = &target->get[i];

        jsonld_refer(run, "result", id[i]);
        if (crate_may_name(c, get->item.step))
            add_parameter(c, workflow, "output", crate_id(c, "#output/", get->to),
                          get->to, kind_name(item_kind(&get->item)), id[i]);
    }
}

/* ---- the run --------------------------------------------------------------------------
 */

static struct json_t *add_run(struct crate *c, const struct target *target,
                              const char *workflow, struct json_t **engine_run)
{
    struct json_t *engine =
        jsonld_entity(c->graph, "#larder", "SoftwareApplication", NULL);
    struct json_t *run = jsonld_entity(c->graph, "#run", "CreateAction", NULL);

    jsonld_set(engine, "name", "Larder");
    jsonld_set(engine, "softwareVersion", LARDER_VERSION);
    jsonld_set(run, "name", arena_printf(&c->arena, "run of %s", target->name));
    jsonld_set(run, "description",
               "All steps behind the target, each as it was when it ran; what had a "
               "result already was not run again.");
    jsonld_set(run, "actionStatus", "http://schema.org/CompletedActionStatus");
    jsonld_refer_new(run, "instrument", workflow);
    *engine_run = jsonld_entity(c->graph, "#engine-run", "OrganizeAction", NULL);
    jsonld_set(*engine_run, "name", "run of Larder");
    jsonld_refer_new(*engine_run, "instrument", "#larder");
    jsonld_refer_new(*engine_run, "result", "#run");
    jsonld_refer_new(c->root, "mentions", "#run");
    jsonld_refer_new(c->root, "mentions", "#engine-run");
    return run;
}

/* From the first start to the last end. */
static void set_times(struct crate *c, struct json_t *run, struct json_t *engine_run)
{
    long long began = 0, ended = 0;

    for (size_t i = 0; i < c->s->plan->n_steps; i++) {
        const struct record *r = c->s->work[i].wanted ? c->s->work[i].record : NULL;

        if (!r || !crate_may_name(c, c->s->work[i].step))
            continue;
        if (!began || crate_began(r) < began)
            began = crate_began(r);
        if (r->made > ended)
            ended = r->made;
    }
    if (began) {
        jsonld_set(run, "startTime", crate_time(c, began));
        jsonld_set(engine_run, "startTime", crate_time(c, began));
    }
    jsonld_set(run, "endTime", crate_time(c, ended));
    jsonld_set(engine_run, "endTime", crate_time(c, ended));
    jsonld_set(c->root, "datePublished", crate_time(c, ended));
}

/* Once the recipe and the results are in the crate. */
static void add_provenance(struct crate *c, const struct target *target,
                           struct json_t *workflow, const char *workflow_id,
                           const char **result)
{
    struct json_t *engine_run, *run = add_run(c, target, workflow_id, &engine_run);

    give_settings(c, workflow, run);
    for (size_t i = 0; i < c->s->plan->n_steps; i++)
        if (c->s->work[i].wanted)
            give_sources(c, workflow, run, &c->s->work[i]);
    give_results(c, target, workflow, run, result);
    for (size_t i = 0; i < c->s->plan->n_steps; i++)
        if (c->s->work[i].wanted)
            crate_step(c, &c->s->work[i], workflow, engine_run);
    set_times(c, run, engine_run);
}

/* Records and keys, which a look-up need not read. */
static int read_steps(struct session *s, const struct target *target, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++) {
        struct work *w = &s->work[i];

        if (!w->wanted)
            continue;
        if (w->state != WORK_DONE)
            return error_set(err, E_STAGE,
                             "%s is not made yet: a crate tells of a run that is done; "
                             "`larder run %s` does it",
                             w->step->name, target->name);
        rc = lookup_record(s, w, err);
        if (rc == 0 && identify_key(s, w, err) != IDENTIFY_KEY)
            rc = w->abroad
                     ? error_set(err, E_INPUT, "%s is not here; `larder run` fetches it",
                                 w->abroad->name)
                     : err->code;
    }
    return rc;
}

static int fill(struct crate *c, const struct target *target, struct error *err)
{
    const char **result = arena_alloc(&c->arena, (target->n_gets + 1) * sizeof *result);
    struct json_t *workflow = NULL;
    struct buf text = { 0 }, path = { 0 };
    int rc;

    begin(c, target);
    rc = add_recipe(c, &workflow, err);
    if (rc == 0)
        rc = add_results(c, target, result, err);
    if (rc == 0) {
        set_license(c);
        add_provenance(c, target, workflow,
                       crate_id(c, "", place_of_recipe(c, c->s->recipe->file[0])),
                       result);
        jsonld_write(c->graph, contexts, &text);
        fs_join(&path, c->folder, METADATA);
        rc = fs_write(buf_str(&path), text.s, text.len, false, err);
    }
    buf_release(&path);
    buf_release(&text);
    return rc;
}

int crate_write(struct session *s, const struct target *target, const char *folder,
                struct error *err)
{
    struct crate c = { .s = s, .folder = folder, .graph = jsonld_new() };
    bool there = fs_exists(folder);
    int rc = read_steps(s, target, err);

    if (rc == 0)
        rc = fs_mkdirs(folder, err);
    if (rc == 0) {
        rc = fill(&c, target, err);
        if (rc < 0) {
            fs_remove_tree(folder, NULL);
            if (there)
                fs_mkdirs(folder, NULL);
        }
    }
    jsonld_free(c.graph);
    map_release(&c.here);
    arena_release(&c.arena);
    return rc;
}
