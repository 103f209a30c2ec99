#include "larder/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "larder/io.h"
#include "layout.h"
#include "object.h"
#include "tree.h"

#include "larder/banned.h"

/* A hard link has the mode of the object, so what may be executed is always copied. */
static int lend_file(struct store *st, const struct digest *id, bool exec,
                     const char *path, struct error *err)
{
    struct buf object = { 0 };
    int rc;

    layout_object(st, id, &object);
    if (exec) {
        rc = fs_copy(object.s, path, 0555, err);
        goto out;
    }
    rc = fs_link(object.s, path, err);
    /* Another file system, as many links as the file system can count, or somebody
     * else's file where the kernel protects those. */
    if (rc < 0 &&
        (errno == EXDEV || errno == EMLINK || errno == EPERM || errno == EACCES))
        rc = fs_copy(object.s, path, 0444, err);
out:
    buf_release(&object);
    return rc;
}

static int lend_tree(struct store *st, const struct digest *id, int depth,
                     const char *path, struct error *err);

static int lend_entry(struct store *st, const struct tree_entry *e, int depth,
                      const char *path, struct error *err)
{
    if (e->kind == TREE_TREE)
        return lend_tree(st, &e->id, depth + 1, path, err);
    return lend_file(st, &e->id, e->kind == TREE_EXEC, path, err);
}

static int read_tree(struct store *st, const struct digest *id, struct tree *tree,
                     struct error *err)
{
    struct buf text = { 0 };
    char hex[DIGEST_HEX + 1];
    int rc = object_read(st, id, TREE_TEXT_MAX, &text, err);

    if (rc == OBJECT_FINE)
        rc = tree_read(tree, buf_str(&text), text.len, err);
    else if (rc > 0)
        rc = error_set(err, E_CORRUPT, "the tree sha256:%s is %s", digest_hex(id, hex),
                       rc == OBJECT_ABSENT ? "not in the store" : "damaged");
    buf_release(&text);
    return rc;
}

static int lend_tree(struct store *st, const struct digest *id, int depth,
                     const char *path, struct error *err)
{
    struct tree tree = { 0 };
    struct buf child = { 0 };
    int rc;

    if (depth > TREE_DEPTH_MAX)
        return error_set(err, E_CORRUPT, "a tree is more than %d folders deep",
                         TREE_DEPTH_MAX);
    rc = read_tree(st, id, &tree, err);
    if (rc < 0)
        goto out;
    if (io_mkdir(path, 0777) < 0) {
        rc = error_system(err, "cannot make the folder %s", path);
        goto out;
    }
    for (size_t i = 0; i < tree.n && rc == 0; i++) {
        buf_reset(&child);
        fs_join(&child, path, tree.entry[i].name);
        rc = lend_entry(st, &tree.entry[i], depth, child.s, err);
    }
    if (rc == 0)
        rc = fs_chmod(path, 0555, err);
out:
    buf_release(&child);
    tree_release(&tree);
    return rc;
}

int store_lend(struct store *st, const struct object *o, const char *path,
               struct error *err)
{
    int rc = o->kind == OBJECT_TREE
                 ? lend_tree(st, &o->id, 1, path, err)
                 : lend_file(st, &o->id, o->kind == OBJECT_EXEC, path, err);

    return rc < 0 ? error_context(err, "lending %s", path) : 0;
}
