#include "lab.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "larder/banned.h"

static const struct digest none;

void lab_open(struct session *s)
{
    const char *path = config_lab_store(&s->config);
    struct error err = { 0 };
    int rc;

    if (!path || s->lab)
        return;
    rc = store_open_to_read(&s->lab, path, &err);
    if (rc == 0 && !strcmp(store_path(s->lab), store_path(s->store))) {
        store_close(s->lab);
        s->lab = NULL;
    }
    if (rc < 0)
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN,
                 "the lab store is left out: %s; set lab-store to where one is, or to "
                 "none",
                 err.text);
}

int lab_has(struct session *s, const struct object *o, struct error *err)
{
    struct fs_state state;
    int rc = s->lab ? store_object_state(s->lab, &o->id, &state, err) : FS_ABSENT;

    return rc < 0 ? rc : rc == FS_FOUND ? STORE_HIT : STORE_MISS;
}

static int tell_damage(const struct session *s, const struct object *o, const char *why)
{
    char hex[DIGEST_HEX + 1];

    say_line(&s->say, SAY_NORMAL, TONE_PLAIN,
             "object sha256:%s of the lab store %s %s, and counts as absent; tell its "
             "owner",
             digest_hex(&o->id, hex), store_path(s->lab), why);
    return STORE_MISS;
}

static int bring_file(struct session *s, const struct object *o, struct error *err)
{
    struct buf path = { 0 };
    struct object got = { 0 };
    int rc = STORE_HIT;

    store_object_path(s->lab, &o->id, &path);
    if (access(path.s, R_OK) < 0)
        rc = errno == ENOENT || errno == ENOTDIR ? STORE_MISS
                                                 : tell_damage(s, o, "cannot be read");
    if (rc == STORE_HIT)
        rc = store_import(s->store, path.s, OBJECT_FILE, false, &got, err);
    if (rc == 0 && !digest_equal(&got.id, &o->id))
        rc = tell_damage(s, o, "is damaged");
    buf_release(&path);
    return rc;
}

static int bring_folder(struct session *s, const struct object *o, struct arena *arena,
                        struct error *err)
{
    struct store_entry *entry;
    struct object got;
    size_t n;
    int rc = store_list(s->lab, o, arena, &entry, &n, err);

    if (rc != OBJECT_FINE)
        return rc < 0                ? rc
               : rc == OBJECT_ABSENT ? STORE_MISS
                                     : tell_damage(s, o, "is damaged");
    for (size_t i = 0; i < n && rc == STORE_HIT; i++)
        rc = lab_bring(s, &entry[i].object, err);
    if (rc == STORE_HIT)
        rc = store_add_folder(s->store, entry, n, &got, err);
    return rc;
}

int lab_bring(struct session *s, const struct object *o, struct error *err)
{
    struct arena arena = { 0 };
    int rc;

    if (digest_equal(&o->id, &none))
        return STORE_HIT;
    if (!s->lab)
        return STORE_MISS;
    rc = store_check(s->store, o, false, NULL, err);
    if (rc > OBJECT_FINE)
        rc = o->kind == OBJECT_TREE ? bring_folder(s, o, &arena, err)
                                    : bring_file(s, o, err);
    arena_release(&arena);
    return rc;
}

int lab_keep(struct session *s, struct record *rec, struct error *err)
{
    int rc = store_check(s->store, &rec->log, false, NULL, err);

    if (rc < 0 && digest_equal(&rec->log.id, &none))
        rc = 0;
    if (rc > OBJECT_FINE && !rec->by) /* nothing depends on it */
        return 0;
    return rc < 0 ? rc : store_keep_record(s->store, rec, err);
}
