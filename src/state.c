#include "state.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flatfile.h"
#include "larder/banned.h"
#include "larder/boot.h"
#include "larder/buf.h"
#include "larder/mem.h"

enum { CLOCK_GRAIN_S = 2, BOOT_SIZE = 48 };

struct state {
    struct flatfile *file;
    struct store_memory store;
    struct program_memory program;
    char boot[BOOT_SIZE];
    struct buf name; /* reused */
};

/* The values in the file. They are read and written as bytes, so padding is spelt out.
 */
struct file_value {
    struct fs_state state;
    struct digest digest;
};
struct object_value {
    struct fs_state state;
    char boot[BOOT_SIZE];
};

static const char *named(struct state *s, const char *what, const char *name)
{
    buf_reset(&s->name);
    buf_printf(&s->name, "%s %s", what, name);
    return buf_str(&s->name);
}

static const char *named_digest(struct state *s, const char *what, const struct digest *d)
{
    char hex[DIGEST_HEX + 1];

    return named(s, what, digest_hex(d, hex));
}

/* Copies a value of a fixed size out of the file; false when it is not there. */
static bool get_value(struct state *s, const char *name, void *to, size_t n)
{
    size_t n_found;
    const void *found = flatfile_get(s->file, name, &n_found);

    if (!found || n_found != n)
        return false;
    memcpy(to, found, n);
    return true;
}

void state_copy(struct fs_state *to, const struct fs_state *from)
{
    memset(to, 0, sizeof *to); /* padding too: values are compared as bytes */
    to->dev = from->dev;
    to->ino = from->ino;
    to->size = from->size;
    to->mtime_ns = from->mtime_ns;
    to->ctime_ns = from->ctime_ns;
    to->mode = from->mode;
}

bool state_same(const struct fs_state *a, const struct fs_state *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns && a->mode == b->mode;
}

bool state_holds(const struct fs_state *now, const struct fs_state *was)
{
    struct fs_state compared = *now;

    if (!was->ctime_ns)
        compared.ctime_ns = 0;
    return state_same(&compared, was);
}

static bool object_get(void *self, const struct digest *id, struct fs_state *st)
{
    struct state *s = self;
    struct object_value v;

    if (!get_value(s, named_digest(s, "object", id), &v, sizeof v))
        return false;
    *st = v.state;
    return true;
}

bool state_object(struct state *s, const struct digest *id, struct fs_state *st)
{
    return object_get(s, id, st);
}

static void object_put(void *self, const struct digest *id, const struct fs_state *st)
{
    struct state *s = self;
    struct object_value v = { 0 };

    state_copy(&v.state, st);
    memcpy(v.boot, s->boot, sizeof v.boot);
    flatfile_put(s->file, named_digest(s, "object", id), &v, sizeof v);
}

/* A program's value is the state of its file, then its description with its NUL. */
static const char *program_get(void *self, const char *path)
{
    struct state *s = self;
    struct fs_state now, then;
    size_t n;
    const char *found;

    if (fs_stat(path, &now, NULL) != FS_FOUND)
        return NULL;
    found = flatfile_get(s->file, named(s, "program", path), &n);
    if (!found || n <= sizeof then || found[n - 1])
        return NULL;
    memcpy(&then, found, sizeof then);
    return state_same(&now, &then) ? found + sizeof then : NULL;
}

bool state_is_settled(const struct fs_state *st)
{
    struct timespec now;
    int64_t old_enough;

    clock_gettime(CLOCK_REALTIME, &now);
    old_enough = ((int64_t)now.tv_sec - CLOCK_GRAIN_S) * 1000000000 + now.tv_nsec;
    return st->mtime_ns < old_enough && st->ctime_ns < old_enough;
}

static void program_put(void *self, const char *path, const char *description)
{
    struct state *s = self;
    struct fs_state st, plain;
    struct buf value = { 0 };

    if (fs_stat(path, &st, NULL) != FS_FOUND || !state_is_settled(&st))
        return;
    state_copy(&plain, &st);
    buf_add(&value, &plain, sizeof plain);
    buf_add(&value, description, strlen(description) + 1);
    flatfile_put(s->file, named(s, "program", path), value.s, value.len);
    buf_release(&value);
}

int state_open(struct state **to, const char *path, struct error *err)
{
    struct state *s = xcalloc(1, sizeof *s);
    int rc = flatfile_open(&s->file, path, (unsigned)(time(NULL) / 86400), err);

    if (rc < 0) {
        free(s);
        *to = NULL;
        return rc;
    }
    snprintf(s->boot, sizeof s->boot, "%s", boot_id());
    s->store = (struct store_memory){ object_get, object_put, s };
    s->program = (struct program_memory){ program_get, program_put, s };
    *to = s;
    return 0;
}

int state_save(struct state *s, struct error *err)
{
    return flatfile_save(s->file, err);
}

void state_close(struct state *s)
{
    if (!s)
        return;
    flatfile_close(s->file);
    buf_release(&s->name);
    free(s);
}

int state_digest_file(struct state *s, const char *path, struct digest *d,
                      struct fs_state *st, struct error *err)
{
    int rc = fs_stat(path, st, err);

    return rc == FS_FOUND ? state_digest_seen(s, path, d, st, err) : rc;
}

int state_digest_seen(struct state *s, const char *path, struct digest *d,
                      struct fs_state *st, struct error *err)
{
    struct file_value v = { 0 };
    struct fs_state after;
    int rc;

    if (get_value(s, named(s, "file", path), &v, sizeof v) && state_same(&v.state, st)) {
        *d = v.digest;
        return FS_FOUND;
    }
    for (int attempt = 0; attempt < 3; attempt++) {
        bool settled = state_is_settled(st);

        rc = digest_file(d, NULL, path, err);
        if (rc < 0)
            return rc;
        rc = fs_stat(path, &after, err);
        if (rc != FS_FOUND)
            return rc;
        if (state_same(st, &after)) {
            memset(&v, 0, sizeof v);
            state_copy(&v.state, st);
            v.digest = *d;
            if (settled)
                flatfile_put(s->file, named(s, "file", path), &v, sizeof v);
            return FS_FOUND;
        }
        *st = after;
    }
    return error_set(err, E_INPUT, "%s changes while it is read", path);
}

bool state_is_plain(struct state *s, const struct digest *program)
{
    char yes;

    return get_value(s, named_digest(s, "plain", program), &yes, sizeof yes);
}

void state_set_plain(struct state *s, const struct digest *program)
{
    flatfile_put(s->file, named_digest(s, "plain", program), &(char){ 1 }, 1);
}

bool state_step(struct state *s, const char *name, struct step_memory *m)
{
    memset(m, 0, sizeof *m);
    return get_value(s, named(s, "step", name), m, sizeof *m);
}

void state_set_step(struct state *s, const char *name, const struct step_memory *m)
{
    struct step_memory plain;

    memset(&plain, 0, sizeof plain);
    plain.has_record = m->has_record;
    plain.has_former = m->has_former;
    plain.has_failed_log = m->has_failed_log;
    if (m->has_record) {
        plain.key = m->key;
        plain.record = m->record;
    }
    if (m->has_former) {
        plain.former_key = m->former_key;
        plain.former_record = m->former_record;
    }
    if (m->has_failed_log)
        plain.failed_log = m->failed_log;
    flatfile_put(s->file, named(s, "step", name), &plain, sizeof plain);
}

bool state_seen_since_boot(struct state *s, const struct digest *id)
{
    struct object_value v;

    return strcmp(s->boot, "unknown") != 0 &&
           get_value(s, named_digest(s, "object", id), &v, sizeof v) &&
           !memcmp(v.boot, s->boot, sizeof v.boot);
}

const struct store_memory *state_store_memory(struct state *s)
{
    return &s->store;
}

const struct program_memory *state_program_memory(struct state *s)
{
    return &s->program;
}
