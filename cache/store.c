#include "larder/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "larder/formats.h"
#include "larder/io.h"
#include "larder/mem.h"
#include "layout.h"
#include "lockfile.h"
#include "object.h"

#include "larder/banned.h"

static const char marker[] = "larder-store";
static const char *const folder[] = { "cas",     "ac",          "uses", "pins",
                                      "scratch", "checkpoints", "tmp" };

/* A folder without the marker may become a store if it is empty; a marker that was being
 * written when somebody was killed does not count. The marker comes before all else, so
 * it is looked for again beside something else: somebody may be making this store right
 * now. */
static int refuse_strange_folder(const char *path, const char *marker_path,
                                 struct error *err)
{
    char **name = NULL;
    size_t n = 0;
    int rc = fs_list(path, &name, &n, err);

    for (size_t i = 0; i < n && rc == 0; i++) {
        if (strncmp(name[i], marker, strlen(marker)) == 0 || fs_exists(marker_path))
            continue;
        if (!strcmp(name[i], "cas") || !strcmp(name[i], "ac"))
            rc = error_set(err, E_INPUT,
                           "%s is missing, and there is %s beside it: `larder fsck "
                           "--rebuild` makes it a store again, if it was one",
                           marker_path, name[i]);
        else
            rc = error_set(err, E_INPUT,
                           "%s is no store and not empty (it has %s); name another "
                           "folder",
                           path, name[i]);
    }
    free(name);
    return rc;
}

static int read_marker(const char *path, struct error *err)
{
    struct buf file = { 0 }, text = { 0 };
    int rc;

    fs_join(&file, path, marker);
    rc = fs_read(file.s, &text, err);
    if (rc == 0 && strcmp(buf_str(&text), FORMAT_STORE "\n") != 0)
        rc = error_set(err, E_INPUT,
                       "%s does not say `" FORMAT_STORE "`: a store of another "
                       "format; remove it, or name another folder",
                       file.s);
    buf_release(&text);
    buf_release(&file);
    return rc;
}

static int check_marker(const char *path, struct error *err)
{
    struct buf file = { 0 };
    int rc = 0;

    fs_join(&file, path, marker);
    if (!fs_exists(file.s)) {
        rc = refuse_strange_folder(path, file.s, err);
        if (rc == 0 && !fs_exists(file.s))
            rc =
                fs_write(file.s, FORMAT_STORE "\n", strlen(FORMAT_STORE "\n"), true, err);
    }
    buf_release(&file);
    return rc == 0 ? read_marker(path, err) : rc;
}

/* A store that may only be read works without the folders that it lacks. */
static int make_folders(const char *path, struct error *err)
{
    struct buf dir = { 0 };
    int rc = 0;

    for (size_t i = 0; i < sizeof folder / sizeof *folder && rc == 0; i++) {
        buf_reset(&dir);
        fs_join(&dir, path, folder[i]);
        rc = fs_mkdirs(dir.s, err);
        if (rc < 0 && (errno == EACCES || errno == EROFS || errno == EPERM))
            rc = 0;
    }
    buf_release(&dir);
    return rc;
}

static int open_store(struct store **st, const char *path,
                      const struct store_memory *memory, bool only_read,
                      struct error *err)
{
    struct buf scratch = { 0 };
    char *real = NULL;
    struct stat s;
    int rc, dir = -1;

    *st = NULL;
    rc = only_read ? 0 : fs_mkdirs(path, err);
    if (rc < 0)
        goto out;
    real = io_realpath(path, NULL);
    dir = real ? io_open(real, O_PATH | O_DIRECTORY | O_CLOEXEC, 0) : -1;
    if (dir < 0 || io_fstat(dir, &s) < 0) {
        rc = error_system(err, "cannot look at %s", path);
        goto out;
    }
    rc = only_read ? read_marker(real, err) : check_marker(real, err);
    if (rc == 0 && !only_read)
        rc = make_folders(real, err);
    if (rc < 0)
        goto out;
    *st = xcalloc(1, sizeof **st);
    (*st)->path = real;
    fs_join(&scratch, real, "scratch");
    (*st)->scratch = buf_take(&scratch);
    (*st)->dir = dir;
    (*st)->dev = s.st_dev;
    (*st)->only_read = only_read;
    if (memory)
        (*st)->memory = *memory;
    real = NULL;
    dir = -1;
out:
    if (dir >= 0)
        io_close(dir);
    free(real);
    return rc < 0 ? error_context(err, "opening the store") : 0;
}

int store_open(struct store **st, const char *path, const struct store_memory *memory,
               struct error *err)
{
    return open_store(st, path, memory, false, err);
}

int store_open_to_read(struct store **st, const char *path, struct error *err)
{
    return open_store(st, path, NULL, true, err);
}

void store_set_memory(struct store *st, const struct store_memory *memory)
{
    st->memory = *memory;
}

void store_close(struct store *st)
{
    if (!st)
        return;
    for (size_t i = 0; i < sizeof st->folder / sizeof st->folder[0]; i++)
        if (st->folder[i])
            io_close(st->folder[i] - 1);
    if (st->guard)
        io_close(st->guard - 1);
    io_close(st->dir);
    free(st->scratch);
    free(st->path);
    free(st);
}

const char *store_path(const struct store *st)
{
    return st->path;
}

void store_object_path(const struct store *st, const struct digest *id, struct buf *path)
{
    layout_object(st, id, path);
}

void store_doubt_path(const struct store *st, struct buf *path)
{
    fs_join(path, st->path, "doubt");
}

void store_doubt(struct store *st)
{
    struct buf path = { 0 }, text = { 0 };

    store_doubt_path(st, &path);
    layout_random(&text, 8); /* another file each time, by whatever state it is known */
    buf_addc(&text, '\n');
    fs_write(path.s, text.s, text.len, false, NULL);
    buf_release(&text);
    buf_release(&path);
}

/* Where nothing can be locked, nothing can go either: a store that may only be read. */
void store_guard(struct store *st)
{
    int fd;

    if (!st->guard && lockfile_open(st, &fd, NULL) == 0)
        st->guard = fd + 1;
    if (st->guard && !st->guarded)
        lockfile_wait(st->guard - 1, LOCK_SHARED, lockfile_going, NULL);
}

void store_unguard(struct store *st)
{
    if (st->guard && !st->guarded)
        lockfile_leave(st->guard - 1, lockfile_going);
}

void store_suspect(struct store *st, const struct digest *id)
{
    struct buf path = { 0 };

    layout_object(st, id, &path);
    object_doubt(st, id, path.s);
    buf_release(&path);
}

int store_discard(struct store *st, const struct digest *id, struct error *err)
{
    struct buf path = { 0 };
    int rc = object_check(st, id, -1, true, err);

    /* Somebody else may have made it anew meanwhile. */
    if (rc == OBJECT_DAMAGED) {
        layout_object(st, id, &path);
        rc = fs_remove_tree(path.s, err);
        buf_release(&path);
    }
    return rc < 0 ? error_context(err, "discarding a damaged object") : 0;
}
