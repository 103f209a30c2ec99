/*
 * judge - what can be said of a scene afterwards.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "larder/fs.h"
#include "larder/scratch.h"
#include "scene.h"

#include "larder/banned.h"

/* What comes and goes: it is swept, says when something was, is empty and locked, or is
 * what a step made. */
static bool is_passing(const char *path)
{
    static const char *const part[] = { "/tmp/",       "/scratch/",   "store/doubt",
                                        "other/doubt", "store/locks", "other/locks" };

    if (!strncmp(path, "work/", 5))
        return true;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (strstr(path, part[i]))
            return true;
    return false;
}

static void list_below(struct scene *s, const struct scenario *of, const char *name,
                       struct buf *to)
{
    const char *path = *name ? at(s, name) : s->dir;
    struct error err = { 0 };
    char **entry;
    size_t n;

    insist(fs_list(path, &entry, &n, &err), &err, path);
    for (size_t i = 0; i < n; i++) {
        struct buf below = { 0 }, text = { 0 };
        char hex[DIGEST_HEX + 1];
        struct digest d;
        struct stat st;

        fs_join(&below, name, entry[i]);
        path = at(s, below.s);
        if (lstat(path, &st) < 0)
            die(path);
        if (is_passing(below.s) || (of->varies && of->varies(below.s))) {
            ;
        } else if (S_ISDIR(st.st_mode)) {
            buf_printf(to, "%s/ %o\n", below.s, st.st_mode & 07777);
            list_below(s, of, below.s, to);
        } else {
            if (S_ISREG(st.st_mode))
                insist(fs_read(path, &text, &err), &err, path);
            digest_bytes(&d, buf_str(&text), text.len);
            digest_hex(&d, hex);
            buf_printf(to, "%s %o %.16s\n", below.s, st.st_mode & 0177777, hex);
        }
        buf_release(&text);
        buf_release(&below);
    }
    free(entry);
}

void scene_list(struct scene *s, const struct scenario *of, struct buf *to)
{
    list_below(s, of, "", to);
}

void scene_digest(struct scene *s, const struct scenario *of, struct digest *d)
{
    struct buf text = { 0 };

    scene_list(s, of, &text);
    digest_bytes(d, buf_str(&text), text.len);
    buf_release(&text);
}

struct judge {
    const char *name;
    struct store *st;
    struct buf text;
};

static void note(void *self, const struct store_finding *f)
{
    struct judge *j = self;

    buf_printf(&j->text, "fsck of %s: %s %s; ", j->name, f->what, f->path);
}

/* A record of a remote may name what was not fetched; what is there is whole, which fsck
 * has said. */
static void judge_record(struct judge *j, const struct record *r)
{
    struct error err = { 0 };
    char hex[DIGEST_HEX + 1];

    for (size_t i = 0; i < r->n_outputs; i++) {
        const struct record_output *o = &r->output[i];
        int rc = store_check(j->st, &o->object, true, NULL, &err);

        if (rc != OBJECT_FINE && !(rc == OBJECT_ABSENT && (r->by || o->temp)))
            buf_printf(&j->text, "a record of %s names %s, which is %d; ", j->name,
                       digest_hex(&o->object.id, hex), rc);
    }
}

static void judge_key(struct judge *j, const char *name)
{
    struct record **rec;
    struct error err = { 0 };
    struct digest key;
    size_t n;
    int rc;

    if (!digest_parse(&key, name))
        return;
    rc = store_find(j->st, &key, &rec, &n, &err);
    if (rc < 0)
        buf_printf(&j->text, "a look-up fails: %s; ", err.text);
    for (size_t i = 0; rc == STORE_HIT && i < n; i++)
        judge_record(j, rec[i]);
    if (rc == STORE_HIT)
        records_free(rec, n);
}

static void judge_keys(struct judge *j, const char *path)
{
    struct buf below = { 0 };
    char **prefix, **name;
    size_t n, m;

    if (fs_list(path, &prefix, &n, NULL) < 0)
        return;
    for (size_t i = 0; i < n; i++) {
        buf_reset(&below);
        fs_join(&below, path, prefix[i]);
        if (fs_list(below.s, &name, &m, NULL) < 0)
            continue;
        for (size_t k = 0; k < m; k++)
            judge_key(j, name[k]);
        free(name);
    }
    free(prefix);
    buf_release(&below);
}

static void judge_store(struct scene *s, const char *name, struct buf *to)
{
    struct judge j = { .name = name };
    struct error err = { 0 };
    struct buf ac = { 0 };

    if (!fs_exists(at(s, name)))
        return;
    if (store_open(&j.st, at(s, name), NULL, &err) < 0) {
        buf_printf(to, "%s does not open: %s; ", name, err.text);
        return;
    }
    if (store_fsck(j.st, note, &j, &err) < 0)
        buf_printf(&j.text, "fsck fails: %s; ", err.text);
    fs_join(&ac, at(s, name), "ac");
    judge_keys(&j, ac.s);
    if (j.text.len)
        buf_adds(to, j.text.s);
    buf_release(&ac);
    buf_release(&j.text);
    store_close(j.st);
}

static const char *in_arena(struct scene *s, struct buf *text)
{
    const char *copy = text->len ? arena_strdup(&s->arena, text->s) : NULL;

    buf_release(text);
    return copy;
}

const char *scene_wrong(struct scene *s)
{
    struct buf text = { 0 };

    judge_store(s, "store", &text);
    judge_store(s, "other", &text);
    return in_arena(s, &text);
}

/* As if an hour had gone by. */
static void make_old(struct scene *s, const char *folder)
{
    struct buf path = { 0 };
    char **name;
    size_t n;

    if (fs_list(at(s, folder), &name, &n, NULL) < 0)
        return;
    for (size_t i = 0; i < n; i++) {
        buf_reset(&path);
        fs_join(&path, folder, name[i]);
        put_age(s, path.s, 7200);
    }
    free(name);
    buf_release(&path);
}

const char *scene_litter(struct scene *s)
{
    static const char *const folder[] = { "store/tmp", "store/scratch" };
    struct buf text = { 0 };
    struct error err = { 0 };
    struct store *st;

    make_old(s, "store/tmp");
    if (scene_store(s, "store", &st, &err) < 0 || scratch_sweep(st, &err) < 0)
        buf_printf(&text, "the sweep fails: %s; ", err.text);
    store_close(st);
    for (size_t i = 0; i < 2; i++) {
        char **name;
        size_t n;

        if (fs_list(at(s, folder[i]), &name, &n, NULL) < 0)
            continue;
        for (size_t k = 0; k < n; k++)
            buf_printf(&text, "%s/%s is left; ", folder[i], name[k]);
        free(name);
    }
    return in_arena(s, &text);
}

int count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    if (!dir)
        die("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}
