/*
 * bundle_scene - two labs and a bundle that goes from one to the other, for tests; and
 * bundles made by hand, as no lab would write them.
 */
#ifndef BUNDLE_SCENE_H
#define BUNDLE_SCENE_H

#include "envelope.h"
#include "labs.h"
#include "larder/bundle.h"
#include "larder/unbundle.h"
#include "tarin.h"
#include "volume.h"

/* Lab A has a record of a folder and a file, and packs; lab B takes. */
struct scene {
    struct labs *l;
    struct record *rec;
    struct object o[2];
    char file[80], outside[80];
    size_t n_damaged;
};

static inline void note_damage(void *self, const char *step, const struct error *story)
{
    struct scene *s = self;

    cr_assert_str_eq(step, "bake");
    cr_assert_eq(story->code, E_CORRUPT);
    s->n_damaged++;
}

static inline struct scene *scene_new(void)
{
    struct scene *s = calloc(1, sizeof *s);
    struct error err = { 0 };

    s->l = labs_new();
    s->o[0] = add_folder(s->l->a, "out");
    s->o[1] = add_text(s->l->a, "file\n");
    s->rec = make_record(KEY, s->o, 2);
    cr_assert_eq(store_record(s->l->a->st, s->rec, false, &err), 0, "%s", err.text);
    snprintf(s->file, sizeof s->file, "%s/x.tar.zst", s->l->a->dir);
    return s;
}

static inline void scene_free(struct scene *s)
{
    record_free(s->rec);
    labs_free(s->l);
    free(s);
}

static inline struct bundle *new_bundle(struct scene *s, long long max_size)
{
    const struct bundle_order order = { .store = s->l->a->st,
                                        .signer = s->l->signer,
                                        .closure = CLOSURE_OUTPUTS,
                                        .max_size = max_size,
                                        .damage = note_damage,
                                        .self = s };
    struct bundle *b;

    bundle_new(&b, &order);
    return b;
}

static inline void add_all(struct scene *s, struct bundle *b)
{
    struct error err = { 0 };

    bundle_for(b, "bake");
    cr_assert_eq(bundle_add_record(b, s->rec, &err), 0, "%s", err.text);
    for (size_t i = 0; i < 2; i++) {
        struct bundle_target t = { .step = s->rec->step,
                                   .output = s->rec->output[i].name,
                                   .key = s->rec->key,
                                   .object = s->o[i] };

        cr_assert_eq(bundle_add_object(b, &s->o[i], &err), 0, "%s", err.text);
        bundle_add_target(b, &t);
    }
}

static inline void pack(struct scene *s)
{
    struct bundle *b = new_bundle(s, 0);
    struct error err = { 0 };

    add_all(s, b);
    cr_assert_eq(bundle_write(b, s->file, &err), 0, "%s", err.text);
    bundle_free(b);
}

/* The files of a bundle that is divided; new. */
static inline char **pack_volumes(struct scene *s, long long max, size_t *n)
{
    struct bundle *b = new_bundle(s, max);
    struct bundle_totals sum;
    struct error err = { 0 };
    char **file;

    add_all(s, b);
    cr_assert_eq(bundle_write(b, s->file, &err), 0, "%s", err.text);
    bundle_count_up(b, &sum);
    *n = sum.n_volumes;
    file = calloc(*n, sizeof *file);
    for (size_t i = 0; i < *n; i++)
        file[i] = strdup(bundle_file(b, i));
    bundle_free(b);
    return file;
}

/* Reads files into a store, or nowhere. */
static inline int read_files(struct store *st, const struct trust *trust,
                             const char *const *file, size_t n,
                             struct unbundle_totals *sum, struct error *err)
{
    const struct unbundle_order order = { .store = st, .trust = trust };
    struct unbundle *u;
    int rc = 0;

    unbundle_open(&u, &order);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = unbundle_read(u, file[i], err);
    if (rc == 0)
        rc = unbundle_finish(u, err);
    if (sum)
        unbundle_count_up(u, sum);
    unbundle_close(u);
    return rc;
}

static inline int take(struct scene *s, struct unbundle_totals *sum, struct error *err)
{
    const char *file = s->file;

    return read_files(s->l->b->st, s->l->trust, &file, 1, sum, err);
}

/* Whether lab B has a record of the key; it is then the one that was packed. */
static inline bool has_record(struct scene *s)
{
    struct record **got;
    struct error err = { 0 };
    size_t n;
    int rc = store_find(s->l->b->st, &s->rec->key, &got, &n, &err);

    cr_assert(rc >= 0, "%s", err.text);
    if (rc == STORE_MISS)
        return false;
    cr_assert(n == 1 && digest_equal(&got[0]->id, &s->rec->id));
    cr_assert_not_null(got[0]->by);
    records_free(got, n);
    return true;
}

static inline void fail_finding(void *self, const struct store_finding *f)
{
    (void)self;
    cr_assert_fail("%s %s", f->what, f->path);
}

static inline void expect_sound(struct store *st)
{
    struct error err = { 0 };

    cr_assert_eq(store_fsck(st, fail_finding, NULL, &err), 0, "%s", err.text);
}

/* larder.trust with our key and these lines. */
static inline struct trust *trust_with(struct scene *s, const char *stages,
                                       const char *line)
{
    char path[100];
    struct buf text = { 0 };
    struct error err = { 0 };
    struct trust *t;

    snprintf(path, sizeof path, "%s/larder.trust", s->l->a->dir);
    buf_printf(&text, "larder-trust 1\nkey %s ",
               key_id_of(signer_key(s->l->signer)).text);
    public_key_write(signer_key(s->l->signer), &text);
    buf_printf(&text, " lab-a stages=%s\n%s", stages, line);
    write_text(path, text.s);
    cr_assert_eq(trust_open(&t, path, "larder.trust", &err), 0, "%s", err.text);
    buf_release(&text);
    return t;
}

static inline size_t n_files(const char *folder)
{
    char **name;
    size_t n = 0;

    cr_assert_eq(fs_list(folder, &name, &n, NULL), 0);
    free(name);
    return n;
}

/* ---- bundles made by hand -----------------------------------------------------------
 */

struct part {
    char name[200];
    char type;
    const char *link;
    struct buf bytes;
    long long size; /* -1: of the bytes */
};

struct made {
    struct part part[20];
    size_t n;
};

static inline struct part *add_part(struct made *m, const char *name, const void *bytes,
                                    size_t n)
{
    struct part *p = &m->part[m->n++];

    *p = (struct part){ .type = '0', .size = -1 };
    snprintf(p->name, sizeof p->name, "%s", name);
    buf_add(&p->bytes, bytes, n);
    return p;
}

static inline void made_release(struct made *m)
{
    for (size_t i = 0; i < m->n; i++)
        buf_release(&m->part[i].bytes);
}

/* The header of POSIX.1-1988 (ustar). */
static inline void write_header(const struct part *p, long long size, struct buf *to)
{
    const char *slash = strlen(p->name) < 100 ? NULL : strrchr(p->name, '/');
    char block[512] = { 0 };
    unsigned sum = 0;

    snprintf(block, 100, "%.99s", slash ? slash + 1 : p->name);
    if (slash) /* a long name is divided */
        snprintf(block + 345, 155, "%.*s", (int)(slash - p->name), p->name);
    snprintf(block + 100, 8, "0000444");
    snprintf(block + 108, 8, "0000000");
    snprintf(block + 116, 8, "0000000");
    snprintf(block + 124, 12, "%011llo", size);
    snprintf(block + 136, 12, "%011o", 0);
    block[156] = p->type;
    if (p->link)
        snprintf(block + 157, 100, "%s", p->link);
    memcpy(block + 257, "ustar\00000", 8);
    memset(block + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum);
    block[155] = ' ';
    buf_add(to, block, sizeof block);
}

static inline void write_tar(const struct made *m, struct buf *to)
{
    static const char zeros[1024];

    for (size_t i = 0; i < m->n; i++) {
        const struct part *p = &m->part[i];

        write_header(p, p->size >= 0 ? p->size : (long long)p->bytes.len, to);
        buf_add(to, buf_str(&p->bytes), p->bytes.len);
        if (p->bytes.len % 512)
            buf_add(to, zeros, 512 - p->bytes.len % 512);
    }
    buf_add(to, zeros, sizeof zeros);
}

static inline void write_block(size_t n, int type, bool last, struct buf *to)
{
    unsigned v = (unsigned)(n << 3) | (unsigned)type << 1 | last;
    const unsigned char head[3] = { v & 255, v >> 8 & 255, v >> 16 & 255 };

    buf_add(to, head, 3);
}

/* A zstd frame (RFC 8878) of raw blocks. */
static inline void write_frame(const struct buf *bytes, int window_log, struct buf *to)
{
    const unsigned char head[6] = { 0x28, 0xb5, 0x2f,
                                    0xfd, 0,    (unsigned char)((window_log - 10) << 3) };
    enum { BLOCK = 1 << 16 };

    buf_add(to, head, sizeof head);
    for (size_t at = 0; at < bytes->len; at += BLOCK) {
        size_t n = bytes->len - at < BLOCK ? bytes->len - at : BLOCK;

        write_block(n, 0, at + n == bytes->len, to);
        buf_add(to, bytes->s + at, n);
    }
}

/* In its place, and not from nothing, which the disk would be waited for: there are
 * thousands of them. */
static inline void put_file(struct scene *s, const struct buf *bytes)
{
    int fd = open(s->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    cr_assert(fd >= 0);
    cr_assert_eq(fs_write_all(fd, bytes->s, bytes->len), 0);
    cr_assert_eq(ftruncate(fd, (off_t)bytes->len), 0);
    close(fd);
}

static inline void write_tar_zst(struct scene *s, const struct buf *tar)
{
    struct buf zst = { 0 };

    write_frame(tar, 20, &zst);
    put_file(s, &zst);
    buf_release(&zst);
}

static inline void write_made(struct scene *s, const struct made *m)
{
    struct buf tar = { 0 };

    write_tar(m, &tar);
    write_tar_zst(s, &tar);
    buf_release(&tar);
}

/* The parts of the bundle that was packed. */
static inline struct made read_parts(struct scene *s)
{
    struct tarin t = { 0 };
    struct made m = { 0 };
    const char *name;
    struct error err = { 0 };

    cr_assert_eq(tarin_open(&t, s->file, &err), 0, "%s", err.text);
    while (tarin_next(&t, &name, &err) == TARIN_ENTRY) {
        struct part *p = add_part(&m, name, "", 0);
        const void *bytes;
        size_t n;

        while (tarin_read(&t, &bytes, &n, &err) == 0 && n)
            buf_add(&p->bytes, bytes, n);
    }
    tarin_release(&t);
    return m;
}

static inline struct made unpack(struct scene *s)
{
    pack(s);
    return read_parts(s);
}

/* Signs anew contents that were changed. */
static inline void sign_again(struct scene *s, struct made *m)
{
    struct part *last = &m->part[m->n - 1];
    struct envelope e;
    struct buf *text = &m->part[0].bytes;

    cr_assert_eq(
        envelope_sign(&e, ENVELOPE_BUNDLE, s->l->signer, text->s, text->len, NULL), 0);
    buf_reset(&last->bytes);
    envelope_write(&e, &last->bytes);
    buf_cut(&last->bytes, last->bytes.len - text->len);
}

static inline int take_made(struct scene *s, const struct made *m, struct error *err)
{
    write_made(s, m);
    return take(s, NULL, err);
}

#endif
