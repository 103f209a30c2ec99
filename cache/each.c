#include "larder/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "larder/io.h"
#include "layout.h"
#include "object.h"
#include "tree.h"

#include "larder/banned.h"

int store_object_state(struct store *st, const struct digest *id, struct fs_state *state,
                       struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct stat s;
    int fd = layout_folder(st, id);

    if (fd >= 0 && io_fstatat(fd, digest_hex(id, hex), &s, AT_SYMLINK_NOFOLLOW) == 0) {
        fs_state_of(&s, state);
        return FS_FOUND;
    }
    if (errno == ENOENT || errno == ENOTDIR)
        return FS_ABSENT;
    return error_system(err, "cannot look at the object sha256:%s", digest_hex(id, hex));
}

struct walk {
    struct store *st;
    store_visit *f;
    void *self;
    struct error *err;
};

static int walk_tree(const struct walk *w, const struct digest *id, long long size,
                     struct buf *path, int depth);

static int walk_entry(const struct walk *w, const struct tree_entry *e, struct buf *path,
                      int depth)
{
    struct store_file file = { .id = e->id,
                               .size = e->size,
                               .exec = e->kind == TREE_EXEC };
    size_t n = path->len;
    int rc;

    if (n)
        buf_addc(path, '/');
    buf_adds(path, e->name);
    file.path = buf_str(path);
    rc = e->kind == TREE_TREE ? walk_tree(w, &e->id, e->size, path, depth)
                              : w->f(w->self, &file, w->err);
    buf_cut(path, n);
    return rc;
}

static int walk_tree(const struct walk *w, const struct digest *id, long long size,
                     struct buf *path, int depth)
{
    struct store_file folder = { .id = *id, .size = size, .folder = true };
    struct tree tree = { 0 };
    struct buf text = { 0 };
    char hex[DIGEST_HEX + 1];
    int rc = object_read(w->st, id, TREE_TEXT_MAX, &text, w->err);

    if (rc > 0 || depth > TREE_DEPTH_MAX)
        rc = error_set(w->err, E_CORRUPT, "the tree sha256:%s is not whole",
                       digest_hex(id, hex));
    if (rc == 0)
        rc = tree_read(&tree, buf_str(&text), text.len, w->err);
    folder.path = buf_str(path);
    if (rc == 0)
        rc = w->f(w->self, &folder, w->err);
    for (size_t i = 0; i < tree.n && rc == 0; i++)
        rc = walk_entry(w, &tree.entry[i], path, depth + 1);
    tree_release(&tree);
    buf_release(&text);
    return rc;
}

int store_each_file(struct store *st, const struct object *o, store_visit *f, void *self,
                    struct error *err)
{
    struct walk w = { st, f, self, err };
    struct store_file file = {
        .path = "", .id = o->id, .size = o->size, .exec = o->kind == OBJECT_EXEC
    };
    struct buf path = { 0 };
    int rc = o->kind == OBJECT_TREE ? walk_tree(&w, &o->id, o->size, &path, 1)
                                    : f(self, &file, err);

    buf_release(&path);
    return rc;
}
