#include "larder/checkpoint.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "larder/io.h"
#include "larder/lease.h"
#include "layout.h"

#include "larder/banned.h"

enum { CHECKPOINT_AGE = 30 * 24 * 3600 };

int checkpoint_open(struct store *st, const struct digest *key, struct buf *path,
                    bool *found, struct error *err)
{
    size_t start = path->len, n = 0;
    char **name = NULL;
    int rc;

    layout_checkpoint(st, key, path);
    rc = fs_mkdirs(path->s + start, err);
    if (rc == 0 && found) {
        rc = fs_list(path->s + start, &name, &n, err);
        *found = n > 0;
        free(name);
    }
    return rc;
}

int checkpoint_clear(struct store *st, const struct digest *key, struct error *err)
{
    struct buf path = { 0 };
    size_t folder;
    int rc;

    layout_checkpoint(st, key, &path);
    folder = path.len;
    buf_adds(&path, ".segments");
    rc = fs_remove(path.s, err);
    buf_cut(&path, folder);
    if (rc == 0)
        rc = fs_remove_tree(path.s, err);
    buf_release(&path);
    return rc;
}

static bool has_record(struct store *st, const struct digest *key)
{
    struct buf path = { 0 };
    bool found;

    layout_record(st, key, &path);
    found = fs_exists(path.s);
    buf_release(&path);
    return found;
}

/* When something in the folder was last written or renamed. */
static time_t last_written(const char *path)
{
    struct buf child = { 0 };
    struct stat s;
    char **name = NULL;
    size_t n = 0;
    time_t last = io_lstat(path, &s) == 0 ? s.st_mtime : time(NULL);

    if (fs_list(path, &name, &n, NULL) < 0)
        last = time(NULL); /* not ours to judge */
    for (size_t i = 0; i < n; i++) {
        buf_reset(&child);
        fs_join(&child, path, name[i]);
        if (io_lstat(child.s, &s) == 0 && s.st_mtime > last)
            last = s.st_mtime;
    }
    free(name);
    buf_release(&child);
    return last;
}

time_t checkpoint_written(struct store *st, const struct digest *key)
{
    struct buf path = { 0 };
    time_t last;

    layout_checkpoint(st, key, &path);
    last = last_written(path.s);
    buf_release(&path);
    return last;
}

int checkpoint_sweep(struct store *st, struct error *err)
{
    struct buf dir = { 0 }, path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    fs_join(&dir, st->path, "checkpoints");
    rc = fs_list(dir.s, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct lease *lease = NULL;
        struct digest key;

        if (!layout_is_digest(name[i], &key) ||
            lease_try(&lease, st, &key, NULL) != LEASE_TAKEN)
            continue;
        buf_reset(&path);
        fs_join(&path, dir.s, name[i]);
        if (has_record(st, &key) || time(NULL) - last_written(path.s) > CHECKPOINT_AGE)
            checkpoint_clear(st, &key, NULL);
        lease_release(lease);
    }
    free(name);
    buf_release(&path);
    buf_release(&dir);
    return rc;
}
