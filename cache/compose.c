#include "larder/store.h"

#include "object.h"
#include "tree.h"

#include "larder/banned.h"

static const enum tree_kind entry_kind[] = {
    [OBJECT_FILE] = TREE_FILE,
    [OBJECT_TREE] = TREE_TREE,
    [OBJECT_EXEC] = TREE_EXEC,
};
static const enum object_kind object_kind[] = {
    [TREE_FILE] = OBJECT_FILE,
    [TREE_TREE] = OBJECT_TREE,
    [TREE_EXEC] = OBJECT_EXEC,
};

static int compose(const struct intake *in, const struct store_entry *entry, size_t n,
                   struct object *o, struct error *err)
{
    struct tree tree = { 0 };
    struct buf text = { 0 };
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = tree_add(&tree, entry_kind[entry[i].object.kind], entry[i].object.size,
                      &entry[i].object.id, entry[i].name, err);
    if (rc < 0)
        goto out;
    tree_write(&tree, &text);
    *o = (struct object){ .kind = OBJECT_TREE, .size = tree.size };
    rc = object_take_bytes(in, text.s, text.len, &o->id, err);
out:
    tree_release(&tree);
    buf_release(&text);
    return rc;
}

int store_add_folder(struct store *st, const struct store_entry *entry, size_t n,
                     struct object *o, struct error *err)
{
    struct intake in = { .st = st, .how = TAKE_MOVE };
    int rc = compose(&in, entry, n, o, err);

    return rc < 0 ? error_context(err, "adding a folder to the store") : 0;
}

int store_name_folder(const struct store_entry *entry, size_t n, struct object *o,
                      struct error *err)
{
    return compose(&(struct intake){ .how = TAKE_NAME }, entry, n, o, err);
}

int store_list(struct store *st, const struct object *o, struct arena *arena,
               struct store_entry **entry, size_t *n, struct error *err)
{
    struct tree tree = { 0 };
    struct buf text = { 0 };
    int rc = object_read(st, &o->id, TREE_TEXT_MAX, &text, err);

    *entry = NULL;
    *n = 0;
    if (rc == OBJECT_FINE && tree_read(&tree, buf_str(&text), text.len, NULL) < 0)
        rc = OBJECT_DAMAGED;
    if (rc != OBJECT_FINE)
        goto out;
    *entry = arena_alloc(arena, (tree.n + 1) * sizeof **entry);
    *n = tree.n;
    for (size_t i = 0; i < tree.n; i++) {
        const struct tree_entry *e = &tree.entry[i];
        (*entry)[i] = (struct store_entry){ arena_strdup(arena, e->name),
                                            { object_kind[e->kind], e->id, e->size } };
    }
out:
    tree_release(&tree);
    buf_release(&text);
    return rc;
}
