#include "larder/store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "layout.h"
#include "object.h"
#include "tree.h"

#include "larder/banned.h"

static int take_folder(const struct intake *in, const char *path, int depth,
                       struct object *o, struct error *err);

/* What a name that is no file and no folder is, for the message. */
static const char *special_kind(mode_t mode)
{
    if (S_ISLNK(mode))
        return "a symbolic link";
    if (S_ISFIFO(mode))
        return "a pipe";
    return S_ISSOCK(mode) ? "a socket" : "a device";
}

static int take_entry(const struct intake *in, const char *path, int depth,
                      struct tree *tree, struct error *err)
{
    struct object o = { 0 };
    struct taken t = { 0 };
    struct stat s;
    int rc;

    if (lstat(path, &s) < 0)
        return error_system(err, "cannot look at %s", path);
    if (S_ISREG(s.st_mode)) {
        rc = object_take(in, path, &t, err);
        if (rc < 0)
            return rc;
        return tree_add(tree, t.exec ? TREE_EXEC : TREE_FILE, t.size, &t.id,
                        fs_basename(path), err);
    }
    if (!S_ISDIR(s.st_mode))
        return error_set(err, E_STAGE, "%s is %s; a store keeps only files and folders",
                         path, special_kind(s.st_mode));
    rc = take_folder(in, path, depth + 1, &o, err);
    if (rc < 0)
        return rc;
    return tree_add(tree, TREE_TREE, o.size, &o.id, fs_basename(path), err);
}

/* Takes all that is in a folder, then its text: what is named is there before its name.
 */
static int take_folder(const struct intake *in, const char *path, int depth,
                       struct object *o, struct error *err)
{
    struct buf child = { 0 }, text = { 0 };
    struct tree tree = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    if (depth > TREE_DEPTH_MAX)
        return error_set(err, E_STAGE, "%s: more than %d folders within folders", path,
                         TREE_DEPTH_MAX);
    rc = fs_list(path, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&child);
        fs_join(&child, path, name[i]);
        rc = take_entry(in, child.s, depth, &tree, err);
    }
    if (rc < 0)
        goto out;
    tree_write(&tree, &text);
    *o = (struct object){ .kind = OBJECT_TREE, .size = tree.size };
    rc = object_take_bytes(in, text.s, text.len, &o->id, err);
out:
    free(name);
    tree_release(&tree);
    buf_release(&text);
    buf_release(&child);
    return rc;
}

/* Why an output that is to be a file cannot be one; rc where that is not the reason. */
static int no_file(const char *path, int rc, struct error *err)
{
    struct stat s;

    if (lstat(path, &s) < 0)
        return error_system(err, "cannot look at %s", path);
    if (S_ISDIR(s.st_mode))
        return error_set(err, E_STAGE, "%s is a folder, not a file", path);
    if (!S_ISREG(s.st_mode))
        return error_set(err, E_STAGE, "%s is %s; a store keeps only files and folders",
                         path, special_kind(s.st_mode));
    return rc;
}

static int take(const struct intake *in, const char *path, enum object_kind kind,
                struct object *o, struct error *err)
{
    struct taken t = { 0 };
    struct stat s;
    int rc;

    if (kind == OBJECT_TREE) {
        if (lstat(path, &s) < 0)
            return error_system(err, "cannot look at %s", path);
        if (!S_ISDIR(s.st_mode))
            return error_set(err, E_STAGE, "%s is not a folder", path);
        return take_folder(in, path, 1, o, err);
    }
    rc = object_take(in, path, &t, err);
    *o = (struct object){ .kind = t.exec ? OBJECT_EXEC : OBJECT_FILE,
                          .id = t.id,
                          .size = t.size };
    return rc < 0 ? no_file(path, rc, err) : rc;
}

/* The same for a path that the user gave, which may be a symbolic link. */
static int take_source(const struct intake *in, const char *path, enum object_kind kind,
                       struct object *o, struct error *err)
{
    char *real = realpath(path, NULL);
    int rc = real ? take(in, real, kind, o, err)
                  : error_system(err, "cannot look at %s", path);

    free(real);
    return rc;
}

int store_add(struct store *st, const char *path, enum object_kind kind, bool sync,
              struct object *o, struct error *err)
{
    struct intake in = { .st = st, .how = TAKE_MOVE, .sync = sync };
    int rc = take(&in, path, kind, o, err);

    return rc < 0 ? error_context(err, "adding %s to the store", path) : 0;
}

int store_import(struct store *st, const char *path, enum object_kind kind, bool sync,
                 struct object *o, struct error *err)
{
    struct intake in = { .st = st, .how = TAKE_COPY, .sync = sync };
    int rc = take_source(&in, path, kind, o, err);

    return rc < 0 ? error_context(err, "adding %s to the store", path) : 0;
}

int store_name(const char *path, enum object_kind kind, struct object *o,
               struct error *err)
{
    struct intake in = { .how = TAKE_NAME };

    return take_source(&in, path, kind, o, err);
}

int store_add_bytes(struct store *st, const void *bytes, size_t n, bool sync,
                    struct object *o, struct error *err)
{
    struct intake in = { .st = st, .how = TAKE_MOVE, .sync = sync };
    int rc;

    *o = (struct object){ .kind = OBJECT_FILE, .size = (long long)n };
    rc = object_take_bytes(&in, bytes, n, &o->id, err);
    return rc < 0 ? error_context(err, "adding %zu bytes to the store", n) : 0;
}
