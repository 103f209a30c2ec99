#include "larder/store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "larder/folder.h"
#include "larder/io.h"
#include "object.h"

#include "larder/banned.h"

static int take_file(void *self, const char *path, const struct stat *s, struct digest *d,
                     long long *size, struct error *err)
{
    struct taken t = { 0 };
    int rc = object_take(self, path, &t, err);

    (void)s;
    *d = t.id;
    *size = t.size;
    return rc;
}

static int take_text(void *self, const struct buf *text, struct digest *d,
                     struct error *err)
{
    return object_take_bytes(self, text->s, text->len, d, err);
}

/* Why an output that is to be a file cannot be one; rc where that is not the reason. */
static int no_file(const char *path, int rc, struct error *err)
{
    struct stat s;

    if (io_lstat(path, &s) < 0)
        return error_system(err, "cannot look at %s", path);
    if (S_ISDIR(s.st_mode))
        return error_set(err, E_STAGE, "%s is a folder, not a file", path);
    if (!S_ISREG(s.st_mode))
        return error_set(err, E_STAGE, "%s is not a regular file", path);
    return rc;
}

static int take(struct intake *in, const char *path, enum object_kind kind,
                struct object *o, struct error *err)
{
    struct folder_visit visit = { .file = take_file, .text = take_text, .self = in };
    struct taken t = { 0 };
    struct stat s;
    int rc;

    if (kind == OBJECT_TREE) {
        if (io_lstat(path, &s) < 0)
            return error_system(err, "cannot look at %s", path);
        if (!S_ISDIR(s.st_mode))
            return error_set(err, E_STAGE, "%s is not a folder", path);
        return folder_name(path, &visit, o, err);
    }
    rc = object_take(in, path, &t, err);
    *o = (struct object){ .kind = t.exec ? OBJECT_EXEC : OBJECT_FILE,
                          .id = t.id,
                          .size = t.size };
    return rc < 0 ? no_file(path, rc, err) : rc;
}

/* The same for a path that the user gave, which may be a symbolic link. */
static int take_source(struct intake *in, const char *path, enum object_kind kind,
                       struct object *o, struct error *err)
{
    char *real = io_realpath(path, NULL);
    int rc = real ? take(in, real, kind, o, err)
                  : error_system(err, "cannot look at %s", path);

    free(real);
    return rc;
}

/* What a step has made, and no store can keep, is told without where it ran. */
static int cannot_add(const char *path, int rc, struct error *err)
{
    return rc == E_STAGE ? rc : error_context(err, "adding %s to the store", path);
}

int store_add(struct store *st, const char *path, enum object_kind kind, bool sync,
              struct object *o, struct error *err)
{
    struct intake in = { .st = st, .how = TAKE_MOVE, .sync = sync };
    int rc = take(&in, path, kind, o, err);

    return rc < 0 ? cannot_add(path, rc, err) : 0;
}

int store_import(struct store *st, const char *path, enum object_kind kind, bool sync,
                 struct object *o, struct error *err)
{
    struct intake in = { .st = st, .how = TAKE_COPY, .sync = sync };
    int rc = take_source(&in, path, kind, o, err);

    return rc < 0 ? cannot_add(path, rc, err) : 0;
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
