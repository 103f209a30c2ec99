#include "larder/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "larder/boot.h"
#include "larder/mem.h"
#include "layout.h"
#include "object.h"
#include "tempfile.h"

#include "larder/banned.h"

static const char marker[] = "larder-store";
static const char *const folder[] = { "cas",     "ac",          "leases",
                                      "scratch", "checkpoints", "tmp" };

/* A folder without the marker may become a store if it is empty; a marker that was being
 * written when somebody was killed does not count. */
static int refuse_strange_folder(const char *path, struct error *err)
{
    char **name = NULL;
    size_t n = 0;
    int rc = fs_list(path, &name, &n, err);

    for (size_t i = 0; i < n && rc == 0; i++)
        if (strncmp(name[i], marker, strlen(marker)) != 0)
            rc =
                error_set(err, E_INPUT,
                          "%s is no store and not empty (it has %s); name another folder",
                          path, name[i]);
    free(name);
    return rc;
}

static int check_marker(const char *path, struct error *err)
{
    struct buf file = { 0 }, text = { 0 }, want = { 0 };
    int rc = 0;

    buf_printf(&want, "%s %d\n", marker, STORE_FORMAT);
    fs_join(&file, path, marker);
    if (!fs_exists(file.s)) {
        rc = refuse_strange_folder(path, err);
        if (rc == 0)
            rc = fs_write(file.s, want.s, want.len, true, err);
        goto out;
    }
    rc = fs_read(file.s, &text, err);
    if (rc == 0 && strcmp(buf_str(&text), want.s) != 0)
        rc = error_set(err, E_INPUT, "%s does not say `%s %d`: a store of another format",
                       file.s, marker, STORE_FORMAT);
out:
    buf_release(&want);
    buf_release(&text);
    buf_release(&file);
    return rc;
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

int store_open(struct store **st, const char *path, const struct store_memory *memory,
               struct error *err)
{
    char *real = NULL;
    int rc;

    *st = NULL;
    rc = fs_mkdirs(path, err);
    if (rc < 0)
        goto out;
    real = realpath(path, NULL);
    if (!real) {
        rc = error_system(err, "cannot look at %s", path);
        goto out;
    }
    rc = check_marker(real, err);
    if (rc == 0)
        rc = make_folders(real, err);
    if (rc < 0)
        goto out;
    *st = xcalloc(1, sizeof **st);
    (*st)->path = real;
    (*st)->umask = (unsigned)umask(0);
    umask((mode_t)(*st)->umask);
    if (memory)
        (*st)->memory = *memory;
    real = NULL;
out:
    free(real);
    return rc < 0 ? error_context(err, "opening the store") : 0;
}

void store_close(struct store *st)
{
    if (!st)
        return;
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

static int require_object(struct store *st, const struct object *o, struct error *err)
{
    struct buf path = { 0 };
    char hex[DIGEST_HEX + 1];
    int rc = 0;

    layout_object(st, &o->id, &path);
    if (!fs_exists(path.s))
        rc = error_set(err, E_CORRUPT, "object sha256:%s is not in the store",
                       digest_hex(&o->id, hex));
    buf_release(&path);
    return rc;
}

/* Puts the record's name and those of the folders above it on the disk. */
static int sync_record_folders(const char *record, const struct store *st,
                               struct error *err)
{
    struct buf dir = { 0 }, up = { 0 };
    int rc = 0;

    fs_dirname(&dir, record);
    while (rc == 0 && dir.len > strlen(st->path)) {
        rc = fs_sync(dir.s, err);
        buf_reset(&up);
        fs_dirname(&up, dir.s);
        buf_reset(&dir);
        buf_adds(&dir, up.s);
    }
    buf_release(&up);
    buf_release(&dir);
    return rc;
}

int store_record(struct store *st, struct record *rec, bool sync, struct error *err)
{
    static const struct digest none;
    struct buf text = { 0 }, path = { 0 };
    struct tempfile temp = { 0 };
    int rc = 0;

    rec->boot = sync ? NULL : boot_id();
    for (size_t i = 0; i < rec->n_outputs && rc == 0; i++)
        rc = require_object(st, &rec->output[i].object, err);
    if (rc == 0 && !digest_equal(&rec->log.id, &none))
        rc = require_object(st, &rec->log, err);
    if (rc == 0 && sync)
        rc = layout_sync(st, err);
    if (rc < 0)
        goto out;
    record_write(rec, &text);
    layout_record(st, &rec->key, &rec->id, &path);
    rc = tempfile_open(&temp, st, err);
    if (rc == 0)
        rc = tempfile_write(&temp, text.s, text.len, err);
    if (rc == 0)
        rc = tempfile_publish(&temp, path.s, sync, NULL, err);
    if (rc == 0 && sync)
        rc = sync_record_folders(path.s, st, err);
out:
    tempfile_release(&temp);
    buf_release(&path);
    buf_release(&text);
    return rc < 0 ? error_context(err, "recording %s", rec->step) : 0;
}

/* A record whose bytes do not fit its name is removed; one that is whole but is not of
 * this format or key does not count and stays. */
int store_find_record(struct store *st, const struct digest *key, const struct digest *id,
                      struct record **rec, struct error *err)
{
    struct buf path = { 0 }, text = { 0 };
    struct digest d;
    int rc;

    *rec = NULL;
    layout_record(st, key, id, &path);
    rc = fs_read(path.s, &text, err);
    if (rc < 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == EISDIR || errno == EIO)
            rc = STORE_MISS;
        goto out;
    }
    rc = STORE_MISS;
    digest_bytes(&d, buf_str(&text), text.len);
    if (!digest_equal(&d, id)) {
        fs_remove(path.s, NULL); /* where we may not, it goes on not counting */
        goto out;
    }
    if (record_read(rec, text.s, text.len, NULL) < 0)
        goto out;
    if (digest_equal(&(*rec)->key, key)) {
        rc = STORE_HIT;
    } else {
        record_free(*rec);
        *rec = NULL;
    }
out:
    buf_release(&text);
    buf_release(&path);
    return rc;
}

int store_find(struct store *st, const struct digest *key, struct record ***rec,
               size_t *n, struct error *err)
{
    struct buf dir = { 0 };
    char **name = NULL;
    size_t n_names = 0;
    int rc;

    *rec = NULL;
    *n = 0;
    layout_records(st, key, &dir);
    rc = fs_list(dir.s, &name, &n_names, err);
    if (rc < 0 && (errno == ENOENT || errno == ENOTDIR))
        rc = 0;
    if (n_names)
        *rec = xcalloc(n_names, sizeof **rec);
    for (size_t i = 0; i < n_names && rc >= 0; i++) {
        struct digest id;

        if (!layout_is_digest(name[i], &id))
            continue;
        rc = store_find_record(st, key, &id, *rec + *n, err);
        if (rc == STORE_HIT)
            ++*n;
    }
    if (rc < 0 || *n == 0) {
        records_free(*rec, *n);
        *rec = NULL;
        *n = 0;
    }
    free(name);
    buf_release(&dir);
    return rc < 0 ? rc : *rec ? STORE_HIT : STORE_MISS;
}
