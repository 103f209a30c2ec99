#include "larder/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "larder/checkpoint.h"
#include "larder/mem.h"
#include "layout.h"
#include "lockfile.h"

#include "larder/banned.h"

/* Nothing is written to a file in tmp/ for longer than it takes to read as much. */
enum { TMP_AGE = 3600, NAME_SIZE = 16 };

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
    buf_printf(&path, "%s/scratch/", st->path);
    layout_random(&path, NAME_SIZE / 2);
    sc->path = buf_take(&path);
    sc->name = fs_basename(sc->path);
    rc = lockfile_open(st, &sc->fd, err);
    if (rc == 0)
        rc = lockfile_take(sc->fd, LOCK_SHARED, lockfile_scratch(sc->name), err);
    if (rc > 0) /* random names meet as good as never */
        rc = error_set(err, E_SYSTEM, "%s is in use", sc->path);
    errno = rc == 0 ? fs_fault() : 0;
    if (rc == 0 && (errno || mkdir(sc->path, 0700) < 0))
        rc = error_system(err, "cannot make the scratch folder %s", sc->path);
    if (rc == 0) {
        *to = sc;
        return 0;
    }
    if (sc->fd >= 0)
        close(sc->fd);
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
    close(sc->fd);
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
    close(fd);
}

static void sweep_temporary(struct store *st, const char *path, const char *name)
{
    struct stat s;

    (void)st;
    (void)name;
    if (lstat(path, &s) == 0 && S_ISREG(s.st_mode) && time(NULL) - s.st_mtime > TMP_AGE)
        fs_remove(path, NULL);
}

/* What is left of a marker whose writer was killed. */
static void sweep_marker(struct store *st, const char *path, const char *name)
{
    if (!strncmp(name, "larder-store.", strlen("larder-store.")))
        sweep_temporary(st, path, name);
}

static int sweep_folder(struct store *st, const char *folder,
                        void (*sweep)(struct store *, const char *path, const char *name),
                        struct error *err)
{
    struct buf dir = { 0 }, path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    fs_join(&dir, st->path, folder);
    rc = fs_list(dir.s, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&path);
        fs_join(&path, dir.s, name[i]);
        sweep(st, path.s, name[i]);
    }
    free(name);
    buf_release(&path);
    buf_release(&dir);
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
