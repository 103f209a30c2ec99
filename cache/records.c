#include "larder/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/boot.h"
#include "larder/io.h"
#include "larder/mem.h"
#include "larder/use.h"
#include "layout.h"
#include "records.h"
#include "signed.h"
#include "tempfile.h"

#include "larder/banned.h"

/* A key has nearly always one record, so the first is a file at the key's own name and
 * only others get a folder. Their names say nothing that their text does not say. */

enum { TORN = 2, UNREADABLE = 3 }; /* beside STORE_HIT and STORE_MISS */

/* A record by its path. TORN when its bytes are not whole. One that is whole but of
 * another format or key does not count. *id, unless NULL: the digest it must have. */
static int read_once(struct store *st, const struct buf *path, const struct digest *key,
                     const struct digest *id, struct record **rec, struct error *err)
{
    struct buf text = { 0 };
    int rc, fd = io_openat(st->dir, layout_below(st, path), O_RDONLY | O_CLOEXEC, 0);

    *rec = NULL;
    if (fd < 0 || fs_read_fd(fd, &text) < 0) {
        rc = errno == ENOENT || errno == ENOTDIR || errno == EISDIR ? STORE_MISS
             : errno == EIO                                         ? UNREADABLE
                            : error_system(err, "cannot read %s", path->s);
        goto out;
    }
    rc = STORE_MISS;
    if (signed_read(rec, buf_str(&text), text.len, NULL) < 0)
        rc = signed_is_whole(buf_str(&text), text.len) ? STORE_MISS : TORN;
    else if (digest_equal(&(*rec)->key, key) && (!id || digest_equal(&(*rec)->id, id)))
        rc = STORE_HIT;
    if (rc != STORE_HIT) {
        record_free(*rec);
        *rec = NULL;
    }
out:
    if (fd >= 0)
        io_close(fd);
    buf_release(&text);
    return rc;
}

/* The same, and what could not be read is read once more before it counts as absent: a
 * disk that failed a moment ago has lost nothing, and another record would take its
 * place. */
static int read_record(struct store *st, const struct buf *path, const struct digest *key,
                       const struct digest *id, struct record **rec, struct error *err)
{
    int rc = read_once(st, path, key, id, rec, err);

    if (rc == UNREADABLE)
        rc = read_once(st, path, key, id, rec, err);
    return rc == UNREADABLE ? STORE_MISS : rc;
}

/* The others of a key: their names, and their folder in *dir. */
static int list_more(struct store *st, const struct digest *key, struct buf *dir,
                     char ***name, size_t *n, struct error *err)
{
    int rc;

    layout_more_records(st, key, dir);
    rc = fs_list(dir->s, name, n, err);
    return rc < 0 && (errno == ENOENT || errno == ENOTDIR) ? 0 : rc;
}

/* Puts a record of `more` in the place of a first one that is torn or is to go, or only
 * removes that, once it is known that there is no other: nobody would find those. */
static int replace_first(struct store *st, const struct digest *key, const char *path,
                         struct error *err)
{
    struct buf dir = { 0 }, other = { 0 };
    struct record *rec = NULL;
    char **name = NULL;
    bool replaced = false;
    size_t n = 0;
    int rc = list_more(st, key, &dir, &name, &n, err);

    for (size_t i = 0; i < n && rc >= 0 && !replaced; i++) {
        buf_reset(&other);
        fs_join(&other, dir.s, name[i]);
        rc = read_record(st, &other, key, NULL, &rec, err);
        replaced = rc == STORE_HIT;
        if (rc == TORN)
            rc = fs_remove(other.s, err);
        else if (rc == STORE_HIT)
            rc = fs_rename(other.s, path, err);
        record_free(rec);
    }
    if (rc >= 0 && !replaced)
        rc = fs_remove(path, err);
    free(name);
    buf_release(&other);
    buf_release(&dir);
    return rc < 0 ? rc : 0;
}

/* A store that is only read keeps what is torn in it. */
static bool may_not(int why)
{
    return why == EACCES || why == EROFS || why == EPERM;
}

/* STORE_HIT, STORE_MISS or an error, of the first record of a key. */
static int read_first(struct store *st, const struct digest *key, struct record **rec,
                      struct error *err)
{
    struct buf path = { 0 };
    int rc;

    layout_record(st, key, &path);
    rc = read_record(st, &path, key, NULL, rec, err);
    if (rc == TORN && !st->only_read) {
        rc = replace_first(st, key, path.s, err);
        if (rc == 0)
            rc = read_record(st, &path, key, NULL, rec, err);
        else if (may_not(errno))
            rc = STORE_MISS;
    }
    buf_release(&path);
    return rc == TORN ? STORE_MISS : rc;
}

/* The same of one of the others, by its digest. */
static int read_other(struct store *st, const struct digest *key, const struct digest *id,
                      struct record **rec, struct error *err)
{
    struct buf path = { 0 };
    char hex[DIGEST_HEX + 1];
    int rc;

    layout_more_records(st, key, &path);
    buf_printf(&path, "/%s", digest_hex(id, hex));
    rc = read_record(st, &path, key, id, rec, err);
    if (rc == TORN && !st->only_read)
        fs_remove(path.s, NULL);
    buf_release(&path);
    return rc == TORN ? STORE_MISS : rc;
}

int store_find_record(struct store *st, const struct digest *key, const struct digest *id,
                      struct record **rec, struct error *err)
{
    int rc;

    use_note(st, USE_KEY, key);
    rc = read_first(st, key, rec, err);

    if (rc == STORE_HIT && !digest_equal(&(*rec)->id, id)) {
        record_free(*rec);
        rc = read_other(st, key, id, rec, err);
    }
    return rc;
}

int store_record_state(struct store *st, const struct record *rec, struct fs_state *state,
                       struct error *err)
{
    struct record *first = NULL;
    struct buf path = { 0 };
    char hex[DIGEST_HEX + 1];
    int rc = read_first(st, &rec->key, &first, err);

    if (rc == STORE_HIT && digest_equal(&first->id, &rec->id)) {
        layout_record(st, &rec->key, &path);
    } else if (rc >= 0) {
        layout_more_records(st, &rec->key, &path);
        buf_printf(&path, "/%s", digest_hex(&rec->id, hex));
    }
    if (rc >= 0)
        rc = fs_stat(path.s, state, err);
    record_free(first);
    buf_release(&path);
    return rc;
}

int store_drop_record(struct store *st, const struct digest *key, const struct digest *id,
                      struct error *err)
{
    struct record *first = NULL;
    struct buf path = { 0 };
    char hex[DIGEST_HEX + 1];
    int rc = read_first(st, key, &first, err);

    if (rc == STORE_HIT && digest_equal(&first->id, id)) {
        layout_record(st, key, &path);
        rc = replace_first(st, key, path.s, err);
        if (rc < 0 && may_not(errno))
            rc = 0;
    } else if (rc == STORE_HIT) {
        layout_more_records(st, key, &path);
        buf_printf(&path, "/%s", digest_hex(id, hex));
        rc = fs_remove(path.s, err);
    }
    record_free(first);
    buf_release(&path);
    return rc < 0 ? rc : 0;
}

static int compare_records(const void *a, const void *b)
{
    return digest_compare(&(*(struct record *const *)a)->id,
                          &(*(struct record *const *)b)->id);
}

/* Without a first one there are no others: a torn one has been replaced. */
int records_find(struct store *st, const struct digest *key, struct record ***rec,
                 size_t *n, struct error *err)
{
    struct record *first = NULL;
    struct buf dir = { 0 };
    char **name = NULL;
    size_t n_names = 0;
    int rc = read_first(st, key, &first, err);

    *rec = NULL;
    *n = 0;
    if (rc != STORE_HIT)
        return rc;
    rc = list_more(st, key, &dir, &name, &n_names, err);
    *rec = xcalloc(n_names + 1, sizeof **rec);
    (*rec)[(*n)++] = first;
    for (size_t i = 0; i < n_names && rc >= 0; i++) {
        struct digest id;

        if (!layout_is_digest(name[i], &id))
            continue;
        rc = read_other(st, key, &id, *rec + *n, err);
        if (rc == STORE_HIT)
            ++*n;
    }
    if (rc < 0) {
        records_free(*rec, *n);
        *rec = NULL;
        *n = 0;
    } else {
        qsort(*rec, *n, sizeof **rec, compare_records);
    }
    free(name);
    buf_release(&dir);
    return rc < 0 ? rc : STORE_HIT;
}

int store_find(struct store *st, const struct digest *key, struct record ***rec,
               size_t *n, struct error *err)
{
    use_note(st, USE_KEY, key);
    return records_find(st, key, rec, n, err);
}

static int require_object(struct store *st, const struct object *o, struct error *err)
{
    struct buf path = { 0 };
    char hex[DIGEST_HEX + 1];
    int rc = 0;

    layout_object(st, &o->id, &path);
    if (io_faccessat(st->dir, layout_below(st, &path), F_OK, 0) < 0)
        rc = errno == ENOENT || errno == ENOTDIR
                 ? error_set(err, E_CORRUPT, "object sha256:%s is not in the store",
                             digest_hex(&o->id, hex))
                 : error_system(err, "cannot look at %s", path.s);
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

static int require_objects(struct store *st, const struct record *rec, struct error *err)
{
    static const struct digest none;
    int rc = 0;

    for (size_t i = 0; i < rec->n_outputs && rc == 0; i++)
        rc = require_object(st, &rec->output[i].object, err);
    if (rc == 0 && !digest_equal(&rec->log.id, &none))
        rc = require_object(st, &rec->log, err);
    if (rc == 0 && !digest_equal(&rec->discovered.id, &none))
        rc = require_object(st, &rec->discovered, err);
    return rc;
}

/* As the first of its key, else among the others. *path is where it is then. */
static int publish(struct store *st, const struct record *rec, struct tempfile *temp,
                   bool sync, struct buf *path, struct error *err)
{
    struct record *first = NULL;
    char hex[DIGEST_HEX + 1];
    bool same = false;
    int rc;

    layout_record(st, &rec->key, path);
    rc = tempfile_publish(temp, path, false, sync, NULL, err);
    if (rc != PUBLISH_EXISTS)
        return rc;
    rc = read_first(st, &rec->key, &first, err);
    if (rc < 0)
        return rc;
    same = rc == STORE_HIT && digest_equal(&first->id, &rec->id);
    record_free(first);
    if (same)
        return 0;
    if (rc == STORE_HIT) {
        buf_reset(path);
        layout_more_records(st, &rec->key, path);
        buf_printf(path, "/%s", digest_hex(&rec->id, hex));
    }
    return tempfile_publish(temp, path, true, sync, NULL, err);
}

/* *path is where it is then. */
static int keep(struct store *st, const struct record *rec, const void *text, size_t n,
                bool sync, struct buf *path, struct error *err)
{
    struct tempfile temp = { 0 };
    int rc = tempfile_open(&temp, st, err);

    if (rc == 0)
        rc = tempfile_write(&temp, text, n, err);
    if (rc == 0)
        rc = publish(st, rec, &temp, sync, path, err);
    tempfile_release(&temp);
    return rc;
}

/* What is here of what it names, and no record named before, is relied on from now on. */
static void note_objects(struct store *st, const struct record *rec)
{
    for (size_t i = 0; i < rec->n_outputs; i++)
        use_note_object(st, &rec->output[i].object);
    use_note(st, USE_FILE, &rec->log.id);
    use_note(st, USE_FILE, &rec->discovered.id);
}

/* Not synced: what is torn is fetched again. */
int signed_keep(struct store *st, const struct record *rec, const void *text, size_t n,
                struct error *err)
{
    struct buf path = { 0 };
    int rc;

    note_objects(st, rec);
    rc = keep(st, rec, text, n, false, &path, err);

    buf_release(&path);
    return rc < 0 ? error_context(err, "recording %s", rec->step) : 0;
}

int store_keep_record(struct store *st, const struct record *rec, struct error *err)
{
    struct buf text = { 0 };
    int rc = rec->by ? 0 : require_objects(st, rec, err);

    if (rc == 0)
        rc = signed_whole(rec, &text, err);
    if (rc == 0)
        rc = signed_keep(st, rec, text.s, text.len, err);
    buf_release(&text);
    return rc;
}

int store_record(struct store *st, struct record *rec, bool sync, struct error *err)
{
    struct buf text = { 0 }, path = { 0 };
    int rc;

    rec->boot = sync ? NULL : boot_id();
    rc = require_objects(st, rec, err);
    if (rc == 0 && sync)
        rc = layout_sync(st, err);
    if (rc < 0)
        goto out;
    record_write(rec, &text);
    rc = keep(st, rec, text.s, text.len, sync, &path, err);
    if (rc == 0 && sync)
        rc = sync_record_folders(path.s, st, err);
out:
    buf_release(&path);
    buf_release(&text);
    return rc < 0 ? error_context(err, "recording %s", rec->step) : 0;
}
