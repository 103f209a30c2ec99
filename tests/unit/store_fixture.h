/*
 * store_fixture - a store in a folder of its own, with a memory that counts, for tests.
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/store.h"

struct fixture {
    char dir[64];   /* the store is in dir/store */
    char path[200]; /* of the last fixture_path() */
    struct store *st;
    struct digest id[1000]; /* what the memory holds */
    struct fs_state state[1000];
    int n;
};

static inline bool fixture_get(void *self, const struct digest *id,
                               struct fs_state *state)
{
    struct fixture *f = self;

    for (int i = 0; i < f->n; i++)
        if (digest_equal(&f->id[i], id)) {
            *state = f->state[i];
            return true;
        }
    return false;
}

static inline void fixture_put(void *self, const struct digest *id,
                               const struct fs_state *state)
{
    struct fixture *f = self;
    int i = 0;

    while (i < f->n && !digest_equal(&f->id[i], id))
        i++;
    if (i == 1000)
        return;
    f->id[i] = *id;
    f->state[i] = *state;
    f->n += i == f->n;
}

static inline const char *fixture_path(struct fixture *f, const char *name)
{
    snprintf(f->path, sizeof f->path, "%s/%s", f->dir, name);
    return f->path;
}

/* Opens dir/store, with the memory or without. */
static inline void fixture_open(struct fixture *f, bool memory)
{
    struct error err = { 0 };
    struct store_memory m = { fixture_get, fixture_put, f };
    int rc = store_open(&f->st, fixture_path(f, "store"), memory ? &m : NULL, &err);

    cr_assert_eq(rc, 0, "%s", err.text);
}

static inline struct fixture *fixture_new(bool memory)
{
    struct fixture *f = calloc(1, sizeof *f);

    snprintf(f->dir, sizeof f->dir, "/tmp/larder-test-XXXXXX");
    cr_assert_not_null(mkdtemp(f->dir));
    fixture_open(f, memory);
    return f;
}

static inline void fixture_free(struct fixture *f)
{
    store_close(f->st);
    fs_remove_tree(f->dir, NULL);
    free(f);
}

static inline void write_text(const char *path, const char *text)
{
    FILE *to = fopen(path, "wb");

    cr_assert_not_null(to, "%s: %s", path, strerror(errno));
    fputs(text, to);
    cr_assert_eq(fclose(to), 0);
}

/* The bytes of a file as a string; new. */
static inline char *read_text(const char *path)
{
    struct buf b = { 0 };
    struct error err = { 0 };

    cr_assert_eq(fs_read(path, &b, &err), 0, "%s", err.text);
    return buf_take(&b);
}

/* A folder out: a, b.sh (may be executed), empty/, sub/c with other bytes. */
static inline void make_folder(struct fixture *f, const char *out)
{
    char path[200];

    snprintf(path, sizeof path, "%s/%s", f->dir, out);
    cr_assert_eq(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/%s/a", f->dir, out);
    write_text(path, "apple\n");
    snprintf(path, sizeof path, "%s/%s/b.sh", f->dir, out);
    write_text(path, "#!/bin/sh\n");
    cr_assert_eq(chmod(path, 0755), 0);
    snprintf(path, sizeof path, "%s/%s/empty", f->dir, out);
    cr_assert_eq(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/%s/sub", f->dir, out);
    cr_assert_eq(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/%s/sub/c", f->dir, out);
    write_text(path, "cherry\n");
}

static inline struct object add_text(struct fixture *f, const char *text)
{
    struct object o = { 0 };
    struct error err = { 0 };

    write_text(fixture_path(f, "out"), text);
    cr_assert_eq(store_add(f->st, fixture_path(f, "out"), OBJECT_FILE, false, &o, &err),
                 0, "%s", err.text);
    return o;
}

/* The folder's name is free afterwards. */
static inline struct object add_folder(struct fixture *f, const char *out)
{
    struct object o = { 0 };
    struct error err = { 0 };

    make_folder(f, out);
    cr_assert_eq(store_add(f->st, fixture_path(f, out), OBJECT_TREE, false, &o, &err), 0,
                 "%s", err.text);
    cr_assert_eq(fs_remove_tree(fixture_path(f, out), &err), 0, "%s", err.text);
    return o;
}

/* The path of an object's file; new. */
static inline char *object_file(struct fixture *f, const struct digest *id)
{
    struct buf path = { 0 };

    store_object_path(f->st, id, &path);
    return buf_take(&path);
}

/* Changes one byte of a read-only file and nothing else that a state tells. */
static inline void flip_byte(const char *path, long at)
{
    struct timespec times[2];
    struct stat s;
    unsigned char c;
    int fd;

    cr_assert_eq(stat(path, &s), 0);
    times[0] = s.st_atim;
    times[1] = s.st_mtim;
    cr_assert_eq(chmod(path, 0644), 0);
    fd = open(path, O_RDWR);
    cr_assert(fd >= 0);
    cr_assert_eq(pread(fd, &c, 1, at), 1);
    c ^= 1;
    cr_assert_eq(pwrite(fd, &c, 1, at), 1);
    cr_assert_eq(futimens(fd, times), 0);
    close(fd);
    cr_assert_eq(chmod(path, s.st_mode & 07777), 0);
}

/* Shortens a read-only file. */
static inline void cut_file(const char *path, long size)
{
    cr_assert_eq(chmod(path, 0644), 0);
    cr_assert_eq(truncate(path, size), 0);
    cr_assert_eq(chmod(path, 0444), 0);
}

/* Makes a file look written to one second later. */
static inline void move_mtime(const char *path)
{
    struct timespec times[2];
    struct stat s;

    cr_assert_eq(stat(path, &s), 0);
    times[0] = s.st_atim;
    times[1] = s.st_mtim;
    times[1].tv_sec++;
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* A record of key_text with outputs named a, b, ...; new. */
static inline struct record *make_record(const char *key_text, const struct object *o,
                                         size_t n)
{
    static const char *const name[] = { "a", "b", "c", "d" };
    struct record *r = record_new();

    r->key_text = arena_strdup(&r->arena, key_text);
    digest_bytes(&r->key, key_text, strlen(key_text));
    r->step = "bake@kind=pie";
    r->program = "bake";
    r->output = arena_alloc(&r->arena, n * sizeof *r->output);
    r->n_outputs = n;
    for (size_t i = 0; i < n; i++)
        r->output[i] = (struct record_output){ name[i], o[i], false };
    r->wall = 1.25;
    r->cpu = 2;
    r->rss = 4096;
    r->made = 1700000000;
    r->platform = "x86_64";
    r->segments = 1;
    return r;
}

#endif
