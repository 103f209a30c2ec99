#include "larder/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"
#include "object.h"
#include "tree.h"

#include "larder/banned.h"

/* The folder that an object is in, opened once; -1 where it is not there. */
static int folder_of(struct store *st, const struct digest *id)
{
    int *kept = &st->folder[id->byte[0]];
    struct buf path = { 0 };
    int fd;

    if (*kept)
        return *kept - 1;
    layout_object(st, id, &path);
    buf_cut(&path, path.len - DIGEST_HEX);
    fd = open(path.s, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        *kept = fd + 1;
    buf_release(&path);
    return fd;
}

int store_object_state(struct store *st, const struct digest *id, struct fs_state *state,
                       struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct stat s;
    int fd = folder_of(st, id);

    if (fd >= 0 && fstatat(fd, digest_hex(id, hex), &s, AT_SYMLINK_NOFOLLOW) == 0) {
        fs_state_of(&s, state);
        return FS_FOUND;
    }
    if (errno == ENOENT || errno == ENOTDIR)
        return FS_ABSENT;
    return error_system(err, "cannot look at the object sha256:%s", digest_hex(id, hex));
}

struct walk {
    struct store *st;
    int (*f)(void *self, const struct digest *id, struct error *err);
    void *self;
    struct error *err;
};

static int walk_tree(const struct walk *w, const struct digest *id, int depth)
{
    struct tree tree = { 0 };
    struct buf text = { 0 };
    char hex[DIGEST_HEX + 1];
    int rc = object_read(w->st, id, TREE_TEXT_MAX, &text, w->err);

    if (rc > 0 || depth > TREE_DEPTH_MAX)
        rc = error_set(w->err, E_CORRUPT, "the tree sha256:%s is not whole",
                       digest_hex(id, hex));
    if (rc == 0)
        rc = tree_read(&tree, buf_str(&text), text.len, w->err);
    if (rc == 0)
        rc = w->f(w->self, id, w->err);
    for (size_t i = 0; i < tree.n && rc == 0; i++)
        rc = tree.entry[i].kind == TREE_TREE ? walk_tree(w, &tree.entry[i].id, depth + 1)
                                             : w->f(w->self, &tree.entry[i].id, w->err);
    tree_release(&tree);
    buf_release(&text);
    return rc;
}

int store_each_file(struct store *st, const struct object *o,
                    int (*f)(void *self, const struct digest *id, struct error *err),
                    void *self, struct error *err)
{
    struct walk w = { st, f, self, err };

    return o->kind == OBJECT_TREE ? walk_tree(&w, &o->id, 1) : f(self, &o->id, err);
}
