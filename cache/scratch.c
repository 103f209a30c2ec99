#include "larder/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "larder/checkpoint.h"
#include "larder/io.h"
#include "larder/mem.h"
#include "layout.h"
#include "lockfile.h"

#include "larder/banned.h"

/* Nothing is written to a file in tmp/ for longer than it takes to read as much; an
 * object that has come in part is kept for a week. */
enum { TMP_AGE = 3600, PART_AGE = 7 * 24 * 3600, NAME_SIZE = 16 };

struct scratch {
    char *path;
    const char *name; /* its last part */
    int fd;           /* of the lock file */
};

/* Held before it is there, so that no sweep comes between. */
int scratch_open(struct scratch **to, struct store *st, struct error *err)
{
    struct scratch *sc = xcalloc(1, sizeof *sc);
    struct buf path = { 0 };
    int rc;

    *to = NULL;
    fs_join(&path, st->scratch, "");
    layout_random(&path, NAME_SIZE / 2);
    sc->path = buf_take(&path);
    sc->name = fs_basename(sc->path);
    rc = lockfile_open(st, &sc->fd, err);
    if (rc == 0)
        rc = lockfile_take(sc->fd, LOCK_SHARED, lockfile_scratch(sc->name), err);
    if (rc > 0) /* random names meet as good as never */
        rc = error_set(err, E_SYSTEM, "%s is in use", sc->path);
    if (rc == 0 && io_mkdir(sc->path, 0700) < 0)
        rc = error_system(err, "cannot make the scratch folder %s", sc->path);
    if (rc == 0) {
        *to = sc;
        return 0;
    }
    if (sc->fd >= 0)
        io_close(sc->fd);
    free(sc->path);
    free(sc);
    return rc;
}

const char *scratch_path(const struct scratch *sc)
{
    return sc->path;
}

int scratch_share(const struct scratch *sc, const struct lease *l, struct error *err)
{
    int rc = lockfile_take(lease_fd(l), LOCK_SHARED, lockfile_scratch(sc->name), err);

    return rc > 0 ? error_set(err, E_SYSTEM, "%s is being swept", sc->path) : rc;
}

void scratch_close(struct scratch *sc, bool keep)
{
    if (!sc)
        return;
    if (!keep)
        fs_remove_tree(sc->path, NULL);
    io_close(sc->fd);
    free(sc->path);
    free(sc);
}

/* A folder whose lock nobody has. Another name is not ours to judge. */
static void sweep_scratch_folder(struct store *st, const char *path, const char *name)
{
    int fd;

    if (strlen(name) != NAME_SIZE || strspn(name, "0123456789abcdef") != NAME_SIZE ||
        lockfile_open(st, &fd, NULL) < 0)
        return;
    if (lockfile_take(fd, LOCK_ALONE, lockfile_scratch(name), NULL) == LOCK_TAKEN)
        fs_remove_tree(path, NULL);
    io_close(fd);
}

static void sweep_temporary(struct store *st, const char *path, const char *name)
{
    time_t age = strlen(name) == DIGEST_HEX ? PART_AGE : TMP_AGE;
    struct stat s;

    (void)st;
    if (io_lstat(path, &s) == 0 && S_ISREG(s.st_mode) && time(NULL) - s.st_mtime > age)
        fs_remove(path, NULL);
}

/* What is left of a marker whose writer was killed. */
static void sweep_marker(struct store *st, const char *path, const char *name)
{
    if (!strncmp(name, "larder-store.", strlen("larder-store.")))
        sweep_temporary(st, path, name);
}

typedef void sweeper(struct store *st, const char *path, const char *name);

static int sweep_all_in(struct store *st, const char *folder, sweeper *sweep,
                        struct error *err)
{
    struct buf path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc = fs_list(folder, &name, &n, err);

    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&path);
        fs_join(&path, folder, name[i]);
        sweep(st, path.s, name[i]);
    }
    free(name);
    buf_release(&path);
    return rc;
}

static int sweep_folder(struct store *st, const char *name, sweeper *sweep,
                        struct error *err)
{
    struct buf folder = { 0 };
    int rc;

    fs_join(&folder, st->path, name);
    rc = sweep_all_in(st, folder.s, sweep, err);
    buf_release(&folder);
    return rc;
}

/* ROOT/larder-<user>-<16 hex of the store's path>: whom it belongs to, and whose locks
 * say which folders in it are held. */
static void name_own_root(const struct store *st, const char *root, struct buf *path)
{
    struct digest d;
    char hex[DIGEST_HEX + 1];

    digest_bytes(&d, st->path, strlen(st->path));
    digest_hex(&d, hex);
    buf_printf(path, "%s/larder-%u-%.*s", root, (unsigned)geteuid(), NAME_SIZE, hex);
}

int scratch_set_root(struct store *st, const char *root, struct error *err)
{
    char *real = io_realpath(root, NULL);
    struct buf path = { 0 };
    struct stat s;
    int rc = 0;

    if (!real)
        return error_system(err, "cannot use %s for scratch folders", root);
    name_own_root(st, real, &path);
    free(real);
    if ((io_mkdir(path.s, 0700) < 0 && errno != EEXIST) || io_lstat(path.s, &s) < 0)
        rc = error_system(err, "cannot make the folder %s", path.s);
    else if (!S_ISDIR(s.st_mode) || s.st_uid != geteuid() || (s.st_mode & 077) != 0)
        rc = error_set(err, E_SYSTEM,
                       "%s is not a folder that is ours alone: somebody else made it; "
                       "name another place for scratch folders",
                       path.s);
    if (rc == 0)
        rc = sweep_all_in(st, path.s, sweep_scratch_folder, err);
    if (rc == 0) {
        free(st->scratch);
        st->scratch = buf_take(&path);
    }
    buf_release(&path);
    return rc;
}

int scratch_sweep(struct store *st, struct error *err)
{
    int rc = sweep_folder(st, "scratch", sweep_scratch_folder, err);

    if (rc == 0)
        rc = sweep_folder(st, "tmp", sweep_temporary, err);
    if (rc == 0)
        rc = sweep_folder(st, "", sweep_marker, err);
    if (rc == 0)
        rc = checkpoint_sweep(st, err);
    return rc < 0 ? error_context(err, "sweeping the store") : 0;
}
