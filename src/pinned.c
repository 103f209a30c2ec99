#include "pinned.h"

#include <string.h>

#include "larder/buf.h"
#include "larder/fs.h"

#include "from.h"

#include "larder/banned.h"

static const char *path_at(struct arena *arena, const char *path, const struct pos *pos)
{
    struct buf folder = { 0 }, full = { 0 };
    const char *s;

    fs_dirname(&folder, pos->text->path);
    fs_join(&full, buf_str(&folder), path);
    s = arena_strdup(arena, full.s);
    buf_release(&full);
    buf_release(&folder);
    return s;
}

static int add_from(struct arena *arena, const struct node *node, struct source *source,
                    struct error *err)
{
    const char *path;
    int rc = node_expect(node, NODE_SCALAR, "from", err);

    if (rc == 0 && strstr(node->text, "${"))
        rc = pos_error(&node->pos, err,
                       "expressions are not read in include: write the text itself");
    if (rc == 0)
        rc = from_read(arena, node->text, &node->pos, "an included file", &path, err);
    if (rc == FROM_PATH)
        rc = pos_check_path(&node->pos, path, err);
    if (rc < 0)
        return rc;
    source->from[source->n_from++] =
        rc == FROM_URL ? node->text : path_at(arena, path, &node->pos);
    return 0;
}

static int read_places(struct arena *arena, const struct node *map, struct source *source,
                       struct error *err)
{
    const struct node *from = node_get(map, "from");
    int rc = 0;

    if (!from || from->kind == NODE_NULL || (from->kind == NODE_LIST && from->n == 0))
        return pos_error(&map->pos, err, "include: does not say from: where");
    source->from = arena_alloc(arena, (from->n + 1) * sizeof *source->from);
    if (from->kind != NODE_LIST)
        return add_from(arena, from, source, err);
    for (size_t i = 0; rc == 0 && i < from->n; i++)
        rc = add_from(arena, from->item[i], source, err);
    return rc;
}

static int read_digest(const struct node *map, struct source *source, struct error *err)
{
    const struct node *node = node_get(map, "sha256");
    int rc;

    if (!node || node->kind == NODE_NULL)
        return pos_error(&map->pos, err,
                         "an included file that is named by from: must be pinned; write "
                         "its sha256:");
    rc = node_expect(node, NODE_SCALAR, "sha256", err);
    if (rc == 0 && !digest_parse(&source->pin.digest, node->text))
        rc =
            pos_error(&node->pos, err, "sha256: \"%s\" is not 64 hex digits", node->text);
    source->pin.full = true;
    return rc;
}

int pinned_read(struct arena *arena, const struct node *node, struct source *source,
                struct error *err)
{
    static const char *const known[] = { "from", "sha256" };
    struct buf name = { 0 };
    int rc = node_check_keys(node, "include", known, 2, err);

    *source = (struct source){ .pos = node->pos, .pin.size = -1, .is_import = true };
    if (rc == 0)
        rc = read_digest(node, source, err);
    if (rc == 0)
        rc = read_places(arena, node, source, err);
    if (rc < 0)
        return rc;
    from_show(source->from[0], &name);
    source->name = arena_strdup(arena, buf_str(&name));
    buf_release(&name);
    return 0;
}
