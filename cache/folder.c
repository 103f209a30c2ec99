#include "larder/folder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "larder/formats.h"
#include "larder/fs.h"
#include "larder/io.h"
#include "tree.h"

#include "larder/banned.h"

struct naming {
    const struct folder_visit *visit;
    const char *root;
};

static int name_folder(const struct naming *n, const char *path, int depth,
                       struct object *o, struct error *err);

/* Where it leads, and the content of a file there, which may lie outside. The size is
 * that of the target's name alone, so that no file has the same line in a tree. */
static int name_link(const struct folder_visit *visit, const char *path, struct object *o,
                     struct error *err)
{
    char target[4096], hex[DIGEST_HEX + 1];
    struct buf text = { 0 };
    ssize_t n = io_readlink(path, target, sizeof target);
    long long size;
    struct stat s;
    int rc = 0;

    if (n < 0)
        return error_system(err, "cannot read the link %s", path);
    buf_adds(&text, FORMAT_LINK "\n");
    buf_add(&text, target, (size_t)n);
    if (io_stat(path, &s) == 0 && S_ISREG(s.st_mode)) {
        rc = visit->file(visit->self, path, NULL, &o->id, &size, err);
        buf_printf(&text, "\nsha256:%s", digest_hex(&o->id, hex));
    }
    digest_bytes(&o->id, text.s, text.len);
    o->size = n;
    buf_release(&text);
    return rc;
}

/* The path below the folder that is named. */
static const char *below(const struct naming *n, const char *path)
{
    size_t length = strlen(n->root);

    for (path += length; *path == '/'; path++)
        ;
    return path;
}

static int refuse(const struct naming *n, const char *path, mode_t mode,
                  struct error *err)
{
    if (S_ISLNK(mode))
        return error_set(err, E_STAGE,
                         "%s is a symbolic link, and a folder is kept as files and "
                         "folders only; put a copy of what it leads to in its place",
                         below(n, path));
    return error_set(err, E_STAGE,
                     "%s is %s, and a folder is kept as files and folders only; remove "
                     "it",
                     below(n, path),
                     S_ISFIFO(mode)   ? "a pipe"
                     : S_ISSOCK(mode) ? "a socket"
                                      : "a device");
}

/* dir: the folder of path, which is long where they are many. */
static int name_entry(const struct naming *n, int dir, const char *path, int depth,
                      struct tree *tree, struct error *err)
{
    const struct folder_visit *visit = n->visit;
    struct object o = { 0 };
    enum tree_kind kind = TREE_FILE;
    struct stat s;
    int rc;

    if (io_fstatat(dir, fs_basename(path), &s, AT_SYMLINK_NOFOLLOW) < 0)
        return error_system(err, "cannot look at %s", path);
    if (S_ISREG(s.st_mode)) {
        if (s.st_mode & S_IXUSR)
            kind = TREE_EXEC;
        rc = visit->file(visit->self, path, &s, &o.id, &o.size, err);
    } else if (S_ISLNK(s.st_mode) && visit->links) {
        rc = name_link(visit, path, &o, err);
    } else if (S_ISDIR(s.st_mode)) {
        kind = TREE_TREE;
        rc = name_folder(n, path, depth + 1, &o, err);
    } else {
        rc = refuse(n, path, s.st_mode, err);
    }
    return rc < 0 ? rc : tree_add(tree, kind, o.size, &o.id, fs_basename(path), err);
}

/* What is named is there before its name. */
static int name_text(const struct folder_visit *visit, struct tree *tree,
                     struct object *o, struct error *err)
{
    struct buf text = { 0 };
    int rc = 0;

    *o = (struct object){ .kind = OBJECT_TREE, .size = tree->size };
    tree_write(tree, &text);
    if (visit->text)
        rc = visit->text(visit->self, &text, &o->id, err);
    else
        digest_bytes(&o->id, text.s, text.len);
    buf_release(&text);
    return rc;
}

static int name_folder(const struct naming *n, const char *path, int depth,
                       struct object *o, struct error *err)
{
    const struct folder_visit *visit = n->visit;
    struct buf child = { 0 };
    struct tree tree = { 0 };
    char **name = NULL;
    size_t n_names = 0;
    int rc, dir = -1;

    if (depth > TREE_DEPTH_MAX)
        return error_set(err, E_STAGE, "%s: more than %d folders within folders",
                         below(n, path), TREE_DEPTH_MAX);
    rc = visit->folder ? visit->folder(visit->self, path, err) : 0;
    if (rc == 0)
        rc = fs_list(path, &name, &n_names, err);
    if (rc == 0 && (dir = io_open(path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0)) < 0)
        rc = error_system(err, "cannot read %s", path);
    for (size_t i = 0; i < n_names && rc == 0; i++) {
        if (visit->no_pycache && !strcmp(name[i], "__pycache__"))
            continue;
        buf_reset(&child);
        fs_join(&child, path, name[i]);
        rc = name_entry(n, dir, child.s, depth, &tree, err);
    }
    if (rc == 0)
        rc = name_text(visit, &tree, o, err);
    if (dir >= 0)
        io_close(dir);
    free(name);
    tree_release(&tree);
    buf_release(&child);
    return rc;
}

int folder_name(const char *path, const struct folder_visit *visit, struct object *o,
                struct error *err)
{
    return name_folder(&(struct naming){ visit, path }, path, 1, o, err);
}
