#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "import.h"
#include "larder/fs.h"
#include "order.h"
#include "stage.h"
#include "step.h"
#include "target.h"
#include "tool.h"
#include "visibility.h"

#include "larder/banned.h"

/* ---- what building shares ---------------------------------------------------------- */

struct source *builder_add_source(struct builder *b, const char *key)
{
    struct plan *plan = b->plan;
    struct source *source = arena_alloc(b->arena, sizeof *source);

    if (plan->n_sources == b->cap_sources) {
        size_t cap = b->cap_sources * 2 + 64;
        struct source **grown = arena_alloc(b->arena, cap * sizeof *grown);
        if (plan->n_sources)
            memcpy(grown, plan->source, plan->n_sources * sizeof *grown);
        plan->source = grown;
        b->cap_sources = cap;
    }
    source->index = plan->n_sources;
    plan->source[plan->n_sources++] = source;
    source->pin.size = -1;
    map_set(&b->sources, key, source);
    return source;
}

const char *builder_path(struct builder *b, const char *path, const struct pos *pos)
{
    struct buf full = { 0 };
    const char *s;

    if (*path == '/')
        return arena_strdup(b->arena, path);
    while (!strncmp(path, "./", 2))
        path += 2;
    if (pos->text)
        fs_dirname(&full, pos->text->path);
    else
        buf_adds(&full, b->recipe->project);
    buf_printf(&full, "/%s", path);
    s = arena_strdup(b->arena, buf_str(&full));
    buf_release(&full);
    return s;
}

enum object_kind builder_path_kind(struct builder *b, const char **path)
{
    size_t n = strlen(*path);

    if (n < 2 || (*path)[n - 1] != '/')
        return OBJECT_FILE;
    while (n > 1 && (*path)[n - 1] == '/')
        n--;
    *path = arena_strndup(b->arena, *path, n);
    return OBJECT_TREE;
}

/* key: what the source is known by. */
static struct source *source_at(struct builder *b, const char *key, const char *full,
                                const char *path, const struct pos *pos)
{
    struct source *source = map_get(&b->sources, key);

    if (source)
        return source;
    source = builder_add_source(b, key);
    source->name = arena_strdup(b->arena, path);
    source->pos = *pos;
    source->kind = builder_path_kind(b, &full);
    source->from = arena_alloc(b->arena, sizeof *source->from);
    source->from[0] = full;
    source->n_from = 1;
    return source;
}

struct source *builder_source(struct builder *b, const char *path, const struct pos *pos)
{
    const char *full = builder_path(b, path, pos);

    return source_at(b, full, full, path, pos);
}

struct source *builder_code(struct builder *b, const char *path, const struct pos *pos)
{
    const char *full = builder_path(b, path, pos);
    bool folder = full[strlen(full) - 1] == '/';
    struct source *source;

    if (!folder)
        return source_at(b, full, full, path, pos);
    source = source_at(b, arena_printf(b->arena, "code %s", full), full, path, pos);
    source->is_code = true;
    return source;
}

bool source_is_url(const char *from)
{
    return *from != '/';
}

const char **builder_names(const struct map *m)
{
    const char **names = xcalloc(m->n + 1, sizeof *names);

    for (size_t i = 0; i < m->n; i++)
        names[i] = m->entry[i].key;
    return names;
}

/* larder.lock lies beside the main file. */
static void name_lock(struct builder *b)
{
    struct recipe_text main = { .file = b->recipe->path };
    struct pos pos = { .file = b->recipe->path, .text = &main };
    struct buf path = { 0 };

    main.path = b->recipe->file[0];
    fs_dirname(&path, main.path);
    buf_adds(&path, "/larder.lock");
    b->plan->lock_path = arena_strdup(b->arena, path.s);
    b->plan->lock_file = pos_shown_path(b->arena, &pos, "larder.lock");
    buf_release(&path);
}

/* ---- the plan ---------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    const struct step *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static void sort_names(struct plan *plan, struct arena *arena)
{
    plan->by_name = arena_alloc(arena, (plan->n_steps + 1) * sizeof *plan->by_name);
    if (!plan->n_steps)
        return;
    memcpy(plan->by_name, plan->step, plan->n_steps * sizeof *plan->by_name);
    qsort(plan->by_name, plan->n_steps, sizeof *plan->by_name, compare_names);
}

static void read_standard(struct plan *plan, const struct recipe *recipe)
{
    const struct node *target = node_get(node_get(recipe->root, "default"), "target");

    if (target && target->text) {
        plan->standard = target->text;
        plan->standard_pos = target->pos;
    }
}

static int build(struct builder *b, struct error *err)
{
    struct plan *plan = b->plan;
    int rc;

    rc = values_pool_read(&b->pool, b->arena, node_get(b->recipe->root, "axes"), err);
    if (rc == 0)
        rc = imports_read(b, err);
    if (rc == 0)
        rc = tools_read(b, err);
    if (rc == 0)
        rc = stages_read(b, err);
    if (rc == 0)
        rc = steps_make(b, err);
    if (rc == 0)
        rc = steps_fill(b, err);
    if (rc == 0)
        rc = order_steps(b, err);
    if (rc < 0)
        return rc;
    visibility_spread(plan);
    sort_names(plan, b->arena);
    read_standard(plan, b->recipe);
    return targets_read(b, err);
}

int plan_build(struct plan **out, const struct recipe *recipe, struct programs *programs,
               struct error *err)
{
    struct plan *plan = xcalloc(1, sizeof *plan);
    struct builder b = {
        .plan = plan, .arena = &plan->arena, .recipe = recipe, .programs = programs
    };
    int rc;

    plan->project = arena_strdup(b.arena, recipe->project);
    name_lock(&b);
    rc = build(&b, err);
    free(b.step);
    map_release(&b.executables);
    map_release(&b.sources);
    map_release(&b.imports);
    map_release(&b.tools);
    map_release(&b.stages);
    values_pool_release(&b.pool);
    if (rc < 0) {
        plan_free(plan);
        plan = NULL;
    }
    *out = plan;
    return rc;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    arena_release(&plan->arena);
    free(plan);
}

struct step *plan_find(const struct plan *plan, const char *name)
{
    struct step wanted = { .name = name }, *key = &wanted, **found;

    if (!plan->n_steps)
        return NULL;
    found = bsearch(&key, plan->by_name, plan->n_steps, sizeof key, compare_names);
    return found ? *found : NULL;
}

bool step_output_is_private(const struct step *step, size_t i)
{
    return step->output[i].private_;
}

size_t item_n_steps(const struct item *item)
{
    if (!item->step)
        return 0;
    return item->is_set ? item->step->n_parts : 1;
}

struct step *item_step(const struct item *item, size_t i)
{
    return item->is_set ? item->step->part[i] : item->step;
}

void shard_name(size_t shard, size_t n_shards, struct buf *to)
{
    int width = 2;

    for (size_t n = 100; n < n_shards; n *= 10)
        width++;
    buf_printf(to, "%0*zu", width, shard);
}

void step_object_name(const struct step *step, size_t i, struct buf *to)
{
    const struct output *o = step->output;

    if (i < step->n_outputs) {
        buf_adds(to, o[i].name);
        return;
    }
    for (i -= step->n_outputs; i >= o->n_shards; o++)
        i -= o->n_shards;
    buf_printf(to, "%s/", o->name);
    shard_name(i, o->n_shards, to);
}

const struct tool *step_tool(const struct step *step, const char *name)
{
    for (size_t i = 0; i < step->n_tools; i++)
        if (!strcmp(step->tool[i].name, name))
            return &step->tool[i];
    return NULL;
}

size_t step_object_output(const struct step *step, size_t i)
{
    size_t output = 0, before = step->n_outputs;

    if (i < step->n_outputs)
        return i;
    while (i >= before + step->output[output].n_shards)
        before += step->output[output++].n_shards;
    return output;
}

int step_output_index(const struct step *step, const char *name)
{
    for (size_t i = 0; i < step->n_outputs; i++)
        if (!strcmp(step->output[i].name, name))
            return (int)i;
    return -1;
}
