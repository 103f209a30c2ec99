#include "larder/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "larder/checkpoint.h"
#include "larder/lease.h"
#include "layout.h"

#include "larder/banned.h"

/* Nothing is written to a file in tmp/ for longer than it takes to read as much. */
enum { TMP_AGE = 3600 };

int scratch_new(struct store *st, const struct digest *key, struct buf *path,
                struct error *err)
{
    char hex[DIGEST_HEX + 1];
    size_t start = path->len;

    for (int attempt = 0; attempt < 100; attempt++) {
        buf_cut(path, start);
        buf_printf(path, "%s/scratch/%s.", st->path, digest_hex(key, hex));
        layout_random(path, 8);
        errno = fs_fault();
        if (errno == 0 && mkdir(path->s + start, 0700) == 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    error_system(err, "cannot make the scratch folder %s", path->s + start);
    buf_cut(path, start);
    return E_SYSTEM;
}

/* The key of a scratch folder by its name; false for any other name. */
static bool key_of_name(const char *name, struct digest *key)
{
    char hex[DIGEST_HEX + 1];

    if (strlen(name) < DIGEST_HEX + 1 || name[DIGEST_HEX] != '.')
        return false;
    memcpy(hex, name, DIGEST_HEX);
    hex[DIGEST_HEX] = '\0';
    return layout_is_digest(hex, key);
}

static void sweep_scratch_folder(struct store *st, const char *path, const char *name)
{
    struct lease *lease = NULL;
    struct digest key;

    if (key_of_name(name, &key) && lease_try(&lease, st, &key, NULL) == LEASE_TAKEN)
        fs_remove_tree(path, NULL);
    lease_release(lease);
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
    if (rc == 0)
        rc = lease_sweep(st, err); /* last: the others take leases */
    return rc < 0 ? error_context(err, "sweeping the store") : 0;
}
