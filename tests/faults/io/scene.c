#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "larder/fs.h"

#include "larder/banned.h"

void die(const char *what)
{
    fprintf(stderr, "cannot prepare: %s: %s\n", what, strerror(errno));
    abort();
}

void insist(int rc, const struct error *err, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "cannot prepare: %s: %s\n", what, err->text);
        abort();
    }
}

const char *at(struct scene *s, const char *name)
{
    struct buf path = { 0 };
    const char *copy;

    fs_join(&path, s->dir, name);
    copy = arena_strdup(&s->arena, path.s);
    buf_release(&path);
    return copy;
}

void scene_open(struct scene *s, const char *dir)
{
    static const char *const folder[] = { "home", "work", "remote" };
    unsigned char seed[SEED_SIZE] = { 1 };
    struct error err = { 0 };

    *s = (struct scene){ .dir = dir };
    insist(fs_remove_tree(dir, &err), &err, dir);
    if (mkdir(dir, 0755) < 0)
        die(dir);
    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++)
        put_folder(s, folder[i]);
    insist(signer_new(&s->signer, seed, &err), &err, "a key");
}

void scene_close(struct scene *s)
{
    signer_free(s->signer);
    map_release(&s->memory);
    free(s->warning);
    arena_release(&s->arena);
}

/* ---- what the engine remembers ----------------------------------------------------- */

static bool recall(void *self, const struct digest *id, struct fs_state *state)
{
    struct scene *s = self;
    char hex[DIGEST_HEX + 1];
    const struct fs_state *known = map_get(&s->memory, digest_hex(id, hex));

    if (known)
        *state = *known;
    return known != NULL;
}

static void remember(void *self, const struct digest *id, const struct fs_state *state)
{
    struct scene *s = self;
    char hex[DIGEST_HEX + 1];
    struct fs_state *known = arena_alloc(&s->arena, sizeof *known);

    *known = *state;
    map_set(&s->memory, digest_hex(id, hex), known);
}

int scene_store(struct scene *s, const char *name, struct store **st, struct error *err)
{
    const struct store_memory memory = { recall, remember, s };
    bool ours = !strcmp(name, "store");

    return store_open(st, at(s, name), ours ? &memory : NULL, err);
}

/* ---- making ------------------------------------------------------------------------ */

void put(struct scene *s, const char *name, const char *text)
{
    FILE *to;

    unlink(at(s, name)); /* it may be read-only */
    to = fopen(at(s, name), "wb");
    if (!to || fputs(text, to) < 0 || fclose(to) != 0)
        die(name);
}

void put_bytes(struct scene *s, const char *name, size_t n, unsigned seed)
{
    FILE *to;

    unlink(at(s, name));
    to = fopen(at(s, name), "wb");
    if (!to)
        die(name);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        putc((int)(seed >> 24), to);
    }
    if (fclose(to) != 0)
        die(name);
}

void put_mode(struct scene *s, const char *name, unsigned mode)
{
    if (chmod(at(s, name), mode) < 0)
        die(name);
}

void put_folder(struct scene *s, const char *name)
{
    if (mkdir(at(s, name), 0755) < 0 && errno != EEXIST)
        die(name);
}

void put_age(struct scene *s, const char *name, long seconds)
{
    struct timespec t[2] = { { .tv_sec = time(NULL) - seconds },
                             { .tv_sec = time(NULL) - seconds } };

    if (utimensat(AT_FDCWD, at(s, name), t, 0) < 0)
        die(name);
}

void put_tree(struct scene *s, const char *name)
{
    static const char *const folder[] = { "", "/empty", "/sub", "/sub/below" };
    static const char *const file[] = { "/a", "/run.sh", "/sub/c", "/sub/below/d" };
    struct buf path = { 0 };

    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++) {
        buf_reset(&path);
        buf_printf(&path, "%s%s", name, folder[i]);
        put_folder(s, path.s);
    }
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        buf_reset(&path);
        buf_printf(&path, "%s%s", name, file[i]);
        put(s, path.s, file[i]);
        if (i == 1)
            put_mode(s, path.s, 0755);
    }
    buf_release(&path);
}

void cut(struct scene *s, const char *name, long n)
{
    struct stat st;

    if (stat(at(s, name), &st) < 0 || truncate(at(s, name), st.st_size - n) < 0)
        die(name);
}

void flip(const char *path)
{
    unsigned char c;
    int fd;

    if (chmod(path, 0644) < 0 || (fd = open(path, O_RDWR)) < 0 || read(fd, &c, 1) != 1)
        die(path);
    c ^= 1;
    if (pwrite(fd, &c, 1, 0) != 1 || fchmod(fd, 0444) < 0 || close(fd) < 0)
        die(path);
}

struct object added(struct scene *s, const char *store, const char *text)
{
    struct error err = { 0 };
    struct object o = { 0 };
    struct store *st;

    insist(scene_store(s, store, &st, &err), &err, store);
    insist(store_add_bytes(st, text, strlen(text), false, &o, &err), &err, text);
    store_close(st);
    return o;
}

struct object added_tree(struct scene *s, const char *store)
{
    struct error err = { 0 };
    struct object o = { 0 };
    struct store *st;

    put_tree(s, "work/added");
    insist(scene_store(s, store, &st, &err), &err, store);
    insist(store_add(st, at(s, "work/added"), OBJECT_TREE, false, &o, &err), &err,
           "a tree");
    store_close(st);
    insist(fs_remove_tree(at(s, "work/added"), &err), &err, "a tree");
    return o;
}

struct record *record_of(const char *key_text, const struct object *o, double wall)
{
    struct record *r = record_new();

    r->key_text = arena_strdup(&r->arena, key_text);
    digest_bytes(&r->key, key_text, strlen(key_text));
    r->step = r->program = "bake";
    r->output = arena_alloc(&r->arena, sizeof *r->output);
    r->output[0] = (struct record_output){ "out", *o, false };
    r->n_outputs = 1;
    r->wall = wall;
    r->made = 1700000000;
    r->segments = 1;
    return r;
}

struct digest recorded(struct scene *s, const char *store, const char *key_text,
                       const struct object *o, double wall)
{
    struct record *r = record_of(key_text, o, wall);
    struct error err = { 0 };
    struct store *st;
    struct digest id;

    insist(scene_store(s, store, &st, &err), &err, store);
    insist(store_record(st, r, false, &err), &err, "a record");
    store_close(st);
    id = r->id;
    record_free(r);
    return id;
}
