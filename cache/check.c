#include "larder/store.h"

#include "layout.h"
#include "object.h"
#include "tree.h"

#include "larder/banned.h"

/* A hostile tree can name itself many times over: no folder has more entries than this,
 * counted through all its folders. */
enum { VISITS_MAX = 100 * 1000 * 1000 };

struct check {
    struct store *st;
    bool deep;
    struct digest *bad;
    long visits;
};

/* The text of a tree is read in any case, so it is hashed in any case. */
static int check_tree(struct check *c, const struct digest *id, long long size, int depth,
                      struct error *err)
{
    struct buf text = { 0 };
    struct tree tree = { 0 };
    int rc;

    *c->bad = *id;
    if (depth > TREE_DEPTH_MAX)
        return OBJECT_DAMAGED;
    rc = object_read(c->st, id, TREE_TEXT_MAX, &text, err);
    if (rc == OBJECT_FINE &&
        (tree_read(&tree, buf_str(&text), text.len, NULL) < 0 || tree.size != size))
        rc = OBJECT_DAMAGED;
    for (size_t i = 0; i < tree.n && rc == OBJECT_FINE; i++) {
        const struct tree_entry *e = &tree.entry[i];

        if (++c->visits > VISITS_MAX) {
            rc = error_set(err, E_CORRUPT, "a tree has more than %d entries in all",
                           VISITS_MAX);
        } else if (e->kind == TREE_TREE) {
            rc = check_tree(c, &e->id, e->size, depth + 1, err);
        } else {
            *c->bad = e->id;
            rc = object_check(c->st, &e->id, e->size, c->deep, err);
        }
    }
    /* Remembered once all below it is known to be good. */
    if (rc == OBJECT_FINE && c->deep)
        rc = object_check(c->st, id, -1, true, err);
    tree_release(&tree);
    buf_release(&text);
    return rc;
}

int store_check(struct store *st, const struct object *o, bool deep, struct digest *bad,
                struct error *err)
{
    struct digest ignored;
    struct check c = { .st = st, .deep = deep, .bad = bad ? bad : &ignored };

    if (o->kind == OBJECT_TREE)
        return check_tree(&c, &o->id, o->size, 1, err);
    *c.bad = o->id;
    return object_check(st, &o->id, o->size, deep, err);
}
