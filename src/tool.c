#include "tool.h"

#include <string.h>

#include "larder/banned.h"

/* ---- the recipe's ------------------------------------------------------------------ */

/* A path under a key of a tool; what lies where is no part of a key, so every variable of
 * the user's may stand in it. *path is NULL where there is no such key. */
static int read_path(struct builder *b, const struct node *tool, const char *key,
                     const char **path, struct pos *pos, struct error *err)
{
    const struct node *node = node_get(tool, key);
    struct scope scope = { .arena = b->arena,
                           .params = node_get(b->recipe->root, "params"),
                           .any_env = true,
                           .witness = b->recipe->witness };
    struct value v;
    int rc = node ? expr_value(&scope, node, key, &v, err) : 0;

    *path = NULL;
    if (rc < 0 || !node)
        return rc;
    if (!v.text)
        return pos_error(&node->pos, err, "the variable %s is not set", v.missing);
    if (*v.text != '/' && strncmp(v.text, "./", 2) != 0 && strncmp(v.text, "../", 3) != 0)
        return pos_error(&v.pos, err, "%s: a path begins with / or ./: write ./%s", key,
                         v.text);
    *path = v.text;
    *pos = v.pos;
    return pos_check_path(pos, *path, err);
}

/* A folder is written with or without / at its end. */
static const char *without_slash(struct arena *arena, const char *path)
{
    size_t n = strlen(path);

    return n > 1 && path[n - 1] == '/' ? arena_strndup(arena, path, n - 1) : path;
}

/* The folder that a tool is, which may hold links as no other source may. */
static struct source *folder_source(struct builder *b, const struct tool *tool,
                                    const char *path, const struct pos *pos)
{
    struct source *source =
        builder_add_source(b, arena_printf(b->arena, "tool.%s", tool->name));

    source->name = arena_printf(b->arena, "tool.%s", tool->name);
    source->pos = *pos;
    source->kind = OBJECT_TREE;
    source->is_tool = true;
    source->from = arena_alloc(b->arena, sizeof *source->from);
    source->from[0] = path;
    source->n_from = 1;
    return source;
}

static int read_digest(struct tool *tool, const struct node *node, struct error *err)
{
    int rc = node_expect(node, NODE_SCALAR, "digest", err);

    if (rc == 0 && !digest_parse(&tool->digest, node->text))
        rc = pos_error(&node->pos, err, "digest: \"%s\" is not sha256: and 64 hex digits",
                       node->text);
    return rc;
}

static int read_tool(struct builder *b, const struct node *key, const struct node *node,
                     struct tool *tool, struct error *err)
{
    static const char *const known[] = { "lock", "folder", "digest" };
    const struct node *digest = node_get(node, "digest");
    const char *lock = NULL, *folder = NULL;
    struct pos lock_pos, folder_pos;
    int rc = node_check_name(key, "a tool", err);

    tool->name = key->text;
    tool->pos = key->pos;
    if (rc == 0)
        rc = node_check_keys(node, arena_printf(b->arena, "tool %s", key->text), known, 3,
                             err);
    if (rc == 0)
        rc = read_path(b, node, "lock", &lock, &lock_pos, err);
    if (rc == 0)
        rc = read_path(b, node, "folder", &folder, &folder_pos, err);
    if (rc == 0 && digest)
        rc = read_digest(tool, digest, err);
    if (rc < 0)
        return rc;
    if (!lock && !folder && !digest)
        return pos_error(&key->pos, err,
                         "tool %s says not what it is; write lock: FILE, folder: FOLDER "
                         "or digest: of an image",
                         key->text);
    if (lock && digest)
        return pos_error(&key->pos, err, "tool %s has lock: and digest:; it needs one",
                         key->text);
    if (folder)
        tool->path = without_slash(b->arena, builder_path(b, folder, &folder_pos));
    if (lock)
        tool->source = builder_source(b, lock, &lock_pos);
    else if (folder && !digest)
        tool->source = folder_source(b, tool, tool->path, &folder_pos);
    return 0;
}

int tools_read(struct builder *b, struct error *err)
{
    const struct node *tools = node_get(b->recipe->root, "tools");
    int rc = 0;

    if (!tools || tools->kind == NODE_NULL)
        return 0;
    rc = node_expect(tools, NODE_MAP, "tools", err);
    for (size_t i = 0; rc == 0 && i < tools->n; i++) {
        struct tool *tool = arena_alloc(b->arena, sizeof *tool);
        rc = read_tool(b, tools->key[i], tools->item[i], tool, err);
        map_set(&b->tools, tools->key[i]->text, tool);
    }
    return rc;
}

/* ---- a stage's --------------------------------------------------------------------- */

/* Kept in the order of their names, so that the key does not depend on the recipe's. */
static int add_tool(struct builder *b, struct stage *s, const struct node *name,
                    struct error *err)
{
    const struct tool *tool;
    size_t i = s->n_tools;
    int rc = node_expect(name, NODE_SCALAR, "the name of a tool", err);

    if (rc < 0)
        return rc;
    tool = map_get(&b->tools, name->text);
    if (!tool) {
        const char **names = builder_names(&b->tools);
        rc = suggest_error(&name->pos, err, name->text, names, b->tools.n,
                           "there is no tool %s", name->text);
        free(names);
        return rc;
    }
    while (i > 0 && strcmp(s->tool[i - 1].name, tool->name) > 0)
        i--;
    if (i > 0 && !strcmp(s->tool[i - 1].name, tool->name))
        return pos_error(&name->pos, err, "%s stands twice in tools:, take one out",
                         name->text);
    memmove(s->tool + i + 1, s->tool + i, (s->n_tools++ - i) * sizeof *s->tool);
    s->tool[i] = *tool;
    return 0;
}

int tools_of_stage(struct builder *b, struct stage *s, struct error *err)
{
    const struct node *tools = node_get(s->node, "tools");
    int rc = 0;

    if (!tools || tools->kind == NODE_NULL)
        return 0;
    if (s->program)
        return pos_error(
            &node_key(s->node, "tools")->pos, err,
            "tools: goes with run: and sh:; what program %s runs on is known",
            s->program->name);
    if (tools->kind == NODE_SCALAR) {
        s->tool = arena_alloc(b->arena, sizeof *s->tool);
        return add_tool(b, s, tools, err);
    }
    rc = node_expect(tools, NODE_LIST, "tools", err);
    s->tool = arena_alloc(b->arena, (tools->n + 1) * sizeof *s->tool);
    for (size_t i = 0; rc == 0 && i < tools->n; i++)
        rc = add_tool(b, s, tools->item[i], err);
    return rc;
}
