#include "labs.h"

#include <dirent.h>

#include "envelope.h"
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

static void note_damage(void *self, const char *step, const struct error *story)
{
    struct scene *s = self;

    cr_assert_str_eq(step, "bake");
    cr_assert_eq(story->code, E_CORRUPT);
    s->n_damaged++;
}

static struct scene *scene_new(void)
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

static void scene_free(struct scene *s)
{
    record_free(s->rec);
    labs_free(s->l);
    free(s);
}

static struct bundle *new_bundle(struct scene *s, long long max_size)
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

static void add_all(struct scene *s, struct bundle *b)
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

static void pack(struct scene *s)
{
    struct bundle *b = new_bundle(s, 0);
    struct error err = { 0 };

    add_all(s, b);
    cr_assert_eq(bundle_write(b, s->file, &err), 0, "%s", err.text);
    bundle_free(b);
}

/* Reads files into a store, or nowhere. */
static int read_files(struct store *st, const struct trust *trust,
                      const char *const *file, size_t n, struct unbundle_totals *sum,
                      struct error *err)
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

static int take(struct scene *s, struct unbundle_totals *sum, struct error *err)
{
    const char *file = s->file;

    return read_files(s->l->b->st, s->l->trust, &file, 1, sum, err);
}

/* Whether lab B has a record of the key; it is then the one that was packed. */
static bool has_record(struct scene *s)
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

static void fail_finding(void *self, const struct store_finding *f)
{
    (void)self;
    cr_assert_fail("%s %s", f->what, f->path);
}

static void expect_sound(struct store *st)
{
    struct error err = { 0 };

    cr_assert_eq(store_fsck(st, fail_finding, NULL, &err), 0, "%s", err.text);
}

/* ---- round trips ------------------------------------------------------------------- */

Test(bundle, what_was_packed_is_there_and_whole)
{
    struct scene *s = scene_new();
    struct unbundle_totals sum;
    struct error err = { 0 };

    pack(s);
    cr_assert_eq(take(s, &sum, &err), 0, "%s", err.text);
    cr_assert(sum.n_records == 1 && sum.n_trusted == 1 && sum.n_refused == 0);
    cr_assert(sum.n_objects == 7 && sum.n_new == 7 && sum.n_missing == 0);
    cr_assert(has_record(s));
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(store_check(s->l->b->st, &s->o[i], true, NULL, &err), OBJECT_FINE);
    expect_sound(s->l->b->st);
    cr_assert_eq(take(s, &sum, &err), 0, "%s", err.text);
    cr_assert_eq(sum.n_new, 0);
    cr_assert(has_record(s));
    scene_free(s);
}

Test(bundle, equal_results_give_equal_bytes)
{
    struct scene *s = scene_new();
    struct error err = { 0 };
    struct buf one = { 0 }, two = { 0 };
    struct bundle *b;

    pack(s);
    cr_assert_eq(fs_read(s->file, &one, &err), 0);
    umask(077);
    setenv("TZ", "Asia/Tokyo", 1);
    b = new_bundle(s, 0);
    cr_assert_eq(bundle_add_object(b, &s->o[1], &err), 0);
    add_all(s, b);
    add_all(s, b);
    cr_assert_eq(bundle_write(b, s->file, &err), 0);
    bundle_free(b);
    cr_assert_eq(fs_read(s->file, &two, &err), 0);
    cr_assert(one.len == two.len && !memcmp(one.s, two.s, one.len));
    buf_release(&one);
    buf_release(&two);
    scene_free(s);
}

Test(bundle, a_damaged_object_in_the_store_is_written_anew)
{
    struct scene *s = scene_new();
    struct error err = { 0 };
    char *path;

    pack(s);
    cr_assert_eq(take(s, NULL, &err), 0);
    path = object_file(s->l->b, &s->o[1].id);
    flip_byte(path, 2);
    s->l->b->n = 0;
    cr_assert_eq(take(s, NULL, &err), 0, "%s", err.text);
    expect_sound(s->l->b->st);
    free(path);
    scene_free(s);
}

/* ---- trust ------------------------------------------------------------------------- */

Test(bundle, nothing_is_taken_that_no_trusted_key_has_signed)
{
    struct scene *s = scene_new();
    struct unbundle_totals sum;
    struct error err = { 0 };
    struct trust *nobody;
    const char *file = s->file;

    pack(s);
    cr_assert_eq(trust_open(&nobody, "/nowhere", "larder.trust", &err), 0);
    cr_assert_eq(read_files(s->l->b->st, nobody, &file, 1, &sum, &err), E_TRUST);
    cr_assert_eq(sum.n_refused, 1);
    cr_assert(!has_record(s));
    cr_assert_eq(store_check(s->l->b->st, &s->o[1], false, NULL, &err), OBJECT_ABSENT);
    cr_assert_eq(read_files(NULL, nobody, &file, 1, &sum, &err), 0, "%s", err.text);
    cr_assert(sum.n_refused == 1 && sum.n_trusted == 0);
    trust_close(nobody);
    scene_free(s);
}

/* larder.trust with our key and these lines. */
static struct trust *trust_with(struct scene *s, const char *stages, const char *line)
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

Test(bundle, a_key_is_trusted_with_its_stages_only)
{
    struct scene *s = scene_new();
    struct unbundle_totals sum;
    struct error err = { 0 };
    struct trust *t = trust_with(s, "ba*", ""), *other = trust_with(s, "fry", "");
    const char *file = s->file;

    pack(s);
    cr_assert_eq(read_files(s->l->b->st, other, &file, 1, &sum, &err), E_TRUST);
    cr_assert(!has_record(s));
    cr_assert_eq(read_files(s->l->b->st, t, &file, 1, &sum, &err), 0, "%s", err.text);
    cr_assert(has_record(s));
    trust_close(other);
    trust_close(t);
    scene_free(s);
}

Test(bundle, nothing_is_taken_of_a_stage_that_is_never_remote)
{
    struct scene *s = scene_new();
    struct unbundle_totals sum;
    struct error err = { 0 };
    struct trust *t = trust_with(s, "*", "never-remote bake\n");
    const char *file = s->file;

    pack(s);
    cr_assert_eq(read_files(s->l->b->st, t, &file, 1, &sum, &err), E_TRUST);
    cr_assert(sum.n_kept == 1 && sum.n_trusted == 0);
    cr_assert(!has_record(s));
    trust_close(t);
    scene_free(s);
}

/* ---- what is damaged here ---------------------------------------------------------- */

static size_t n_files(const char *folder)
{
    char **name;
    size_t n = 0;

    cr_assert_eq(fs_list(folder, &name, &n, NULL), 0);
    free(name);
    return n;
}

Test(bundle, all_that_is_damaged_is_told_and_nothing_is_written)
{
    struct scene *s = scene_new();
    struct error err = { 0 };
    char *file = object_file(s->l->a, &s->o[1].id), *apple;
    struct bundle *b;
    struct digest d;
    size_t before;

    digest_bytes(&d, "apple\n", 6);
    apple = object_file(s->l->a, &d);
    flip_byte(file, 0);
    flip_byte(apple, 3);
    digest_bytes(&d, "cherry\n", 7);
    cr_assert_eq(store_check(s->l->a->st, &(struct object){ .id = d, .size = 7 }, true,
                             NULL, &err),
                 OBJECT_FINE);
    before = n_files(s->l->a->dir);
    b = new_bundle(s, 0);
    add_all(s, b);
    cr_assert_eq(bundle_write(b, s->file, &err), E_CORRUPT);
    bundle_free(b);
    cr_assert_eq(s->n_damaged, 2);
    cr_assert_eq(n_files(s->l->a->dir), before);
    cr_assert_eq(unlink(apple), 0);
    b = new_bundle(s, 0);
    add_all(s, b);
    cr_assert_eq(bundle_write(b, s->file, &err), E_CORRUPT);
    bundle_free(b);
    cr_assert_eq(s->n_damaged, 4);
    cr_assert_eq(n_files(s->l->a->dir), before);
    free(apple);
    free(file);
    scene_free(s);
}

/* ---- bundles made by hand ---------------------------------------------------------- */

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

static struct part *add_part(struct made *m, const char *name, const void *bytes,
                             size_t n)
{
    struct part *p = &m->part[m->n++];

    *p = (struct part){ .type = '0', .size = -1 };
    snprintf(p->name, sizeof p->name, "%s", name);
    buf_add(&p->bytes, bytes, n);
    return p;
}

static void made_release(struct made *m)
{
    for (size_t i = 0; i < m->n; i++)
        buf_release(&m->part[i].bytes);
}

/* The header of POSIX.1-1988 (ustar). */
static void write_header(const struct part *p, long long size, struct buf *to)
{
    char block[512] = { 0 };
    unsigned sum = 0;

    snprintf(block, 100, "%.99s", p->name);
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

static void write_tar(const struct made *m, struct buf *to)
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

static void write_block(size_t n, int type, bool last, struct buf *to)
{
    unsigned v = (unsigned)(n << 3) | (unsigned)type << 1 | last;
    const unsigned char head[3] = { v & 255, v >> 8 & 255, v >> 16 & 255 };

    buf_add(to, head, 3);
}

/* A zstd frame (RFC 8878) of raw blocks. */
static void write_frame(const struct buf *bytes, int window_log, struct buf *to)
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
static void put_file(struct scene *s, const struct buf *bytes)
{
    int fd = open(s->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    cr_assert(fd >= 0);
    cr_assert_eq(fs_write_all(fd, bytes->s, bytes->len), 0);
    cr_assert_eq(ftruncate(fd, (off_t)bytes->len), 0);
    close(fd);
}

static void write_tar_zst(struct scene *s, const struct buf *tar)
{
    struct buf zst = { 0 };

    write_frame(tar, 20, &zst);
    put_file(s, &zst);
    buf_release(&zst);
}

static void write_made(struct scene *s, const struct made *m)
{
    struct buf tar = { 0 };

    write_tar(m, &tar);
    write_tar_zst(s, &tar);
    buf_release(&tar);
}

/* The parts of the bundle that was packed. */
static struct made read_parts(struct scene *s)
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

static struct made unpack(struct scene *s)
{
    pack(s);
    return read_parts(s);
}

/* Signs anew contents that were changed. */
static void sign_again(struct scene *s, struct made *m)
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

static int take_made(struct scene *s, const struct made *m, struct error *err)
{
    write_made(s, m);
    return take(s, NULL, err);
}

Test(bundle, what_others_write_by_the_grammar_is_read)
{
    struct scene *s = scene_new();
    struct made m = unpack(s);
    struct error err = { 0 };

    cr_assert_eq(m.n, 10);
    cr_assert_eq(take_made(s, &m, &err), 0, "%s", err.text);
    cr_assert(has_record(s));
    made_release(&m);
    scene_free(s);
}

/* Of a wrong bundle no record gets in, and no object that is not right. */
static void expect_refused(struct scene *s, const char *what)
{
    struct error err = { 0 };
    int rc = take(s, NULL, &err);

    cr_assert(rc < 0, "%s was taken", what);
    cr_assert(rc == E_CORRUPT || rc == E_TRUST, "%s: %s", what, err.text);
    cr_assert(!has_record(s), "%s", what);
}

/* Either it is refused, or it says exactly what it said before. */
static void expect_harmless(struct scene *s, const char *what, size_t at)
{
    struct error err = { 0 };
    int rc = take(s, NULL, &err);

    cr_assert_eq(has_record(s), rc == 0, "%s at %zu: %s", what, at, err.text);
    if (rc == 0)
        cr_assert_eq(store_drop_record(s->l->b->st, &s->rec->key, &s->rec->id, &err), 0);
}

Test(bundle, every_byte_changed_is_refused_or_harmless, .timeout = 60)
{
    struct scene *s = scene_new();
    struct buf whole = { 0 }, tar = { 0 };
    struct made m = unpack(s);
    struct error err = { 0 };

    cr_assert_eq(fs_read(s->file, &whole, &err), 0);
    for (size_t i = 0; i < whole.len; i++) {
        whole.s[i] ^= 1 << i % 8;
        put_file(s, &whole);
        expect_harmless(s, "packed", i);
        whole.s[i] ^= 1 << i % 8;
    }
    write_tar(&m, &tar);
    for (size_t i = 0; i < tar.len; i += 11) {
        tar.s[i] ^= 1 << i % 7;
        write_tar_zst(s, &tar);
        expect_harmless(s, "tar", i);
        tar.s[i] ^= 1 << i % 7;
    }
    expect_sound(s->l->b->st);
    buf_release(&tar);
    buf_release(&whole);
    made_release(&m);
    scene_free(s);
}

Test(bundle, cut_anywhere_it_is_refused, .timeout = 60)
{
    struct scene *s = scene_new();
    struct buf whole = { 0 }, tar = { 0 };
    struct made m = unpack(s);
    struct error err = { 0 };
    size_t end;

    cr_assert_eq(fs_read(s->file, &whole, &err), 0);
    for (whole.len -= 5; whole.len >= 3; whole.len -= 3) {
        put_file(s, &whole);
        expect_refused(s, "a cut file");
    }
    write_tar(&m, &tar);
    end = tar.len - 1024 - 512; /* behind it are zeros, which nobody misses */
    for (size_t n = 0; n < end; n += 53) {
        tar.len = n;
        write_tar_zst(s, &tar);
        expect_refused(s, "a cut tar");
    }
    expect_sound(s->l->b->st);
    buf_release(&tar);
    buf_release(&whole);
    made_release(&m);
    scene_free(s);
}

Test(bundle, an_entry_that_does_not_belong_is_refused_wherever_it_stands)
{
    static const struct {
        const char *name, *link;
        char type;
    } bad[] = {
        { "../outside", NULL, '0' },
        { "/tmp/larder-outside", NULL, '0' },
        { "cas/../../outside", NULL, '0' },
        { "something", NULL, '0' },
        { "larder-bundle", NULL, '0' },
        { "larder-bundle.signature", NULL, '0' },
        { "cas/00/0000000000000000000000000000000000000000000000000000000000000000", NULL,
          '0' },
        { "link", "/etc/passwd", '2' },
        { "link", "larder-bundle", '1' },
        { "folder/", NULL, '5' },
        { "device", NULL, '3' },
        { "fifo", NULL, '6' },
    };
    struct scene *s = scene_new();
    struct made m = unpack(s);
    size_t before = n_files(s->l->a->dir);

    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        for (size_t i = 0; i <= m.n; i++) {
            struct made more = m;

            memmove(&more.part[i + 1], &more.part[i], (m.n - i) * sizeof *more.part);
            more.n = i;
            add_part(&more, bad[k].name, "x", bad[k].type == '0')->type = bad[k].type;
            more.part[i].link = bad[k].link;
            more.n = m.n + 1;
            write_made(s, &more);
            expect_refused(s, bad[k].name);
            buf_release(&more.part[i].bytes);
        }
    cr_assert_eq(n_files(s->l->a->dir), before);
    cr_assert(!fs_exists("/tmp/larder-outside"));
    expect_sound(s->l->b->st);
    made_release(&m);
    scene_free(s);
}

Test(bundle, an_entry_is_there_once_in_its_order_and_no_link)
{
    struct scene *s = scene_new();
    struct made m = unpack(s);

    for (size_t i = 0; i < m.n; i++) {
        struct made other = m;

        memmove(&other.part[i], &other.part[i + 1], (m.n - i - 1) * sizeof *m.part);
        other.n--;
        write_made(s, &other);
        expect_refused(s, "one less");
        other = m;
        memmove(&other.part[i + 1], &other.part[i], (m.n - i) * sizeof *m.part);
        other.n++;
        write_made(s, &other);
        expect_refused(s, "one twice");
        other = m;
        other.part[i].type = '2';
        other.part[i].link = "larder-bundle";
        write_made(s, &other);
        expect_refused(s, "a link");
        other = m;
        other.part[i].type = '1';
        other.part[i].link = "larder-bundle";
        write_made(s, &other);
        expect_refused(s, "a hard link");
        if (i == 0)
            continue;
        other = m;
        other.part[i] = m.part[i - 1];
        other.part[i - 1] = m.part[i];
        write_made(s, &other);
        expect_refused(s, "another order");
    }
    expect_sound(s->l->b->st);
    made_release(&m);
    scene_free(s);
}

/* As GNU tar writes them: a map in the header, type S. */
Test(bundle, a_sparse_file_is_refused)
{
    struct scene *s = scene_new();
    struct made m = unpack(s);
    struct buf tar = { 0 };
    size_t at = 0;
    unsigned sum = 0;

    write_tar(&m, &tar);
    for (size_t i = 0; i + 2 < m.n; i++)
        at += 512 + (m.part[i].bytes.len + 511) / 512 * 512;
    memcpy(tar.s + at + 257, "ustar  ", 8);
    tar.s[at + 156] = 'S';
    snprintf(tar.s + at + 386, 12, "%011o", 512);
    snprintf(tar.s + at + 398, 12, "%011o", 3);
    snprintf(tar.s + at + 483, 12, "%011o", 515);
    memset(tar.s + at + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)tar.s[at + i];
    snprintf(tar.s + at + 148, 8, "%06o", sum);
    tar.s[at + 155] = ' ';
    write_tar_zst(s, &tar);
    expect_refused(s, "a sparse file");
    buf_release(&tar);
    made_release(&m);
    scene_free(s);
}

Test(bundle, contents_that_somebody_else_changed_are_refused)
{
    struct scene *s = scene_new();
    struct made m = unpack(s);
    struct error err = { 0 };
    char *closure = strstr(m.part[0].bytes.s, "closure outputs");

    memcpy(closure, "closure records", 15);
    cr_assert_eq(take_made(s, &m, &err), E_CORRUPT);
    cr_assert(strstr(err.text, "has signed"), "%s", err.text);
    cr_assert(!has_record(s));
    sign_again(s, &m);
    cr_assert_eq(take_made(s, &m, &err), 0, "%s", err.text);
    made_release(&m);
    scene_free(s);
}

/* A record that says something else, in an envelope of which the signature does not fit,
 * in contents that name it and are signed by who is trusted. */
Test(bundle, a_forged_record_is_refused_whoever_packed_it)
{
    struct scene *s = scene_new();
    struct made m = unpack(s);
    struct buf *record = &m.part[1].bytes, text = { 0 };
    struct contents c = { 0 };
    struct error err = { 0 };
    char *wall = strstr(record->s, "wall 1.25");

    cr_assert_not_null(wall);
    wall[5] = '2';
    cr_assert_eq(contents_read(&c, m.part[0].bytes.s, m.part[0].bytes.len, &err), 0);
    digest_bytes(&c.record[0].id, record->s, record->len);
    contents_write(&c, &text);
    buf_release(&m.part[0].bytes);
    m.part[0].bytes = text;
    sign_again(s, &m);
    cr_assert_eq(take_made(s, &m, &err), E_CORRUPT, "%s", err.text);
    cr_assert(!has_record(s));
    contents_release(&c);
    made_release(&m);
    scene_free(s);
}

/* ---- bombs ------------------------------------------------------------------------- */

/* Contents that say that one object has so many bytes, all zeros, and these. */
static void write_bomb(struct scene *s, long long said, long long given)
{
    struct contents c = { .closure = CLOSURE_ALL, .volume = 1, .n_volumes = 1 };
    struct made m = { 0 };
    struct buf text = { 0 }, tar = { 0 }, name = { 0 }, zst = { 0 };
    struct bundle_object o = { .size = said };

    contents_add_object(&c, &o);
    contents_write(&c, &text);
    volume_object_name(&o, &name);
    add_part(&m, VOLUME_CONTENTS, text.s, text.len);
    add_part(&m, name.s, "", 0)->size = said;
    write_tar(&m, &tar);
    tar.len -= 1024; /* the zeros follow here */
    write_frame(&tar, 20, &zst);
    zst.s[zst.len - tar.len - 3] &= ~1; /* that block is not the last */
    for (long long at = 0; at < given; at += 1 << 16) {
        write_block(1 << 16, 1, at + (1 << 16) >= given, &zst);
        buf_addc(&zst, 0);
    }
    put_file(s, &zst);
    buf_release(&zst);
    buf_release(&tar);
    buf_release(&text);
    buf_release(&name);
    contents_release(&c);
    made_release(&m);
}

Test(bundle, a_bomb_is_refused_before_it_is_opened)
{
    struct scene *s = scene_new();
    struct error err = { 0 };

    write_bomb(s, 1LL << 40, 1 << 20);
    cr_assert_eq(take(s, NULL, &err), E_CORRUPT);
    cr_assert(strstr(err.text, "a thousand times"), "%s", err.text);
    write_bomb(s, 1LL << 29, 1 << 29);
    cr_assert_eq(take(s, NULL, &err), E_CORRUPT);
    cr_assert(strstr(err.text, "a thousand times"), "%s", err.text);
    write_bomb(s, 1LL << 20, 1 << 20); /* which is none: only another digest */
    cr_assert_eq(take(s, NULL, &err), E_CORRUPT);
    cr_assert(strstr(err.text, "another digest"), "%s", err.text);
    expect_sound(s->l->b->st);
    scene_free(s);
}

Test(bundle, a_window_above_128_MiB_is_refused)
{
    struct scene *s = scene_new();
    struct made m = unpack(s);
    struct buf tar = { 0 }, zst = { 0 };
    struct error err = { 0 };

    write_tar(&m, &tar);
    write_frame(&tar, 28, &zst);
    put_file(s, &zst);
    expect_refused(s, "a large window");
    buf_reset(&zst);
    write_frame(&tar, 27, &zst);
    put_file(s, &zst);
    cr_assert_eq(take(s, NULL, &err), 0, "%s", err.text);
    buf_release(&zst);
    buf_release(&tar);
    made_release(&m);
    scene_free(s);
}

/* ---- volumes ----------------------------------------------------------------------- */

/* A record of a folder of that many files that do not compress. */
static void make_large(struct scene *s, size_t n)
{
    char path[200];
    struct error err = { 0 };

    record_free(s->rec);
    snprintf(path, sizeof path, "%s/large", s->l->a->dir);
    cr_assert_eq(mkdir(path, 0755), 0);
    for (size_t i = 0; i < n; i++) {
        unsigned char bytes[3200];

        for (size_t k = 0; k < sizeof bytes; k += DIGEST_SIZE) {
            struct digest d;
            const size_t seed[] = { i, k };

            digest_bytes(&d, seed, sizeof seed);
            memcpy(bytes + k, d.byte, DIGEST_SIZE);
        }
        snprintf(path, sizeof path, "%s/large/%03zu", s->l->a->dir, i);
        cr_assert_eq(fs_write(path, bytes, sizeof bytes, false, &err), 0);
    }
    snprintf(path, sizeof path, "%s/large", s->l->a->dir);
    cr_assert_eq(store_add(s->l->a->st, path, OBJECT_TREE, false, &s->o[0], &err), 0);
    s->rec = make_record(KEY "option large bool true\n", s->o, 2);
    cr_assert_eq(store_record(s->l->a->st, s->rec, false, &err), 0);
}

/* The files of a bundle that is divided; new. */
static char **pack_volumes(struct scene *s, long long max, size_t *n)
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

Test(bundle, volumes_are_as_small_as_asked_and_fit_in_any_order)
{
    struct scene *s = scene_new();
    struct unbundle_totals sum;
    struct error err = { 0 };
    char **file, *first;
    size_t n;

    make_large(s, 40);
    file = pack_volumes(s, 20000, &n);
    cr_assert(n > 5 && n < 20, "%zu", n);
    for (size_t i = 0; i < n; i++) {
        struct stat st;

        cr_assert_eq(stat(file[i], &st), 0);
        cr_assert(st.st_size <= 20000 && (i == n - 1 || st.st_size > 5000), "%zu: %lld",
                  i, (long long)st.st_size);
    }
    cr_assert(strstr(file[1], "/x.002.tar.zst"), "%s", file[1]);
    first = file[0];
    file[0] = file[3];
    file[3] = first;
    cr_assert_eq(
        read_files(s->l->b->st, s->l->trust, (const char *const *)file, n, &sum, &err), 0,
        "%s", err.text);
    cr_assert(sum.n_missing == 0 && sum.n_trusted == 1);
    cr_assert_eq(store_check(s->l->b->st, &s->o[0], true, NULL, &err), OBJECT_FINE);
    cr_assert(has_record(s));
    for (size_t i = 0; i < n; i++)
        free(file[i]);
    free(file);
    scene_free(s);
}

Test(bundle, a_volume_that_is_missing_is_told_and_may_come_later)
{
    struct scene *s = scene_new();
    struct unbundle_totals sum;
    struct error err = { 0 };
    char **file;
    size_t n;

    make_large(s, 40);
    file = pack_volumes(s, 20000, &n);
    cr_assert_eq(read_files(s->l->b->st, s->l->trust, (const char *const *)file, n - 1,
                            &sum, &err),
                 0, "%s", err.text);
    cr_assert_eq(sum.n_missing, 1);
    cr_assert(has_record(s));
    cr_assert_eq(store_check(s->l->b->st, &s->o[0], true, NULL, &err), OBJECT_ABSENT);
    cr_assert_eq(read_files(s->l->b->st, s->l->trust, (const char *const *)file + n - 1,
                            1, &sum, &err),
                 0, "%s", err.text);
    cr_assert_eq(sum.n_missing, n - 1);
    cr_assert_eq(store_check(s->l->b->st, &s->o[0], true, NULL, &err), OBJECT_FINE);
    for (size_t i = 0; i < n; i++)
        free(file[i]);
    free(file);
    scene_free(s);
}

Test(bundle, what_fits_into_no_volume_is_refused_with_the_size_that_does)
{
    struct scene *s = scene_new();
    struct error err = { 0 };
    struct bundle *b;
    const char *says;
    size_t before;

    make_large(s, 3);
    before = n_files(s->l->a->dir);
    b = new_bundle(s, 8000);
    add_all(s, b);
    cr_assert_eq(bundle_write(b, s->file, &err), E_USAGE);
    bundle_free(b);
    cr_assert_eq(n_files(s->l->a->dir), before);
    says = strstr(err.text, "--max-size=");
    cr_assert_not_null(says, "%s", err.text);
    b = new_bundle(s, strtol(says + 11, NULL, 10));
    add_all(s, b);
    cr_assert_eq(bundle_write(b, s->file, &err), 0, "%s", err.text);
    bundle_free(b);
    scene_free(s);
}

/* ---- a file of a folder ------------------------------------------------------------ */

static struct bundle_target file_target(struct scene *s, const char *path)
{
    return (struct bundle_target){ .step = s->rec->step,
                                   .output = "a",
                                   .key = s->rec->key,
                                   .object = s->o[0],
                                   .path = path,
                                   .cell = "[a=b]:c",
                                   .value = "d" };
}

static void pack_file(struct scene *s, const char *path)
{
    struct bundle_target t = file_target(s, path);
    struct bundle *b = new_bundle(s, 0);
    struct error err = { 0 };

    cr_assert_eq(bundle_add_record(b, s->rec, &err), 0);
    cr_assert_eq(bundle_find_file(b, &t, &err), 0, "%s", err.text);
    bundle_add_target(b, &t);
    cr_assert_eq(bundle_write(b, s->file, &err), 0, "%s", err.text);
    bundle_free(b);
}

/* What is known of its only target; text is kept. */
static struct unbundle_target look(struct scene *s, char *text, size_t size)
{
    const struct unbundle_order order = { .trust = s->l->trust };
    struct unbundle_target t;
    struct unbundle *u;
    struct error err = { 0 };

    unbundle_open(&u, &order);
    cr_assert_eq(unbundle_read(u, s->file, &err), 0, "%s", err.text);
    cr_assert_eq(unbundle_finish(u, &err), 0, "%s", err.text);
    cr_assert_eq(unbundle_n_targets(u), 1);
    t = *unbundle_target(u, 0);
    snprintf(text, size, "%.*s", (int)t.size, t.text ? t.text : "");
    unbundle_close(u);
    return t;
}

Test(bundle, a_file_comes_with_the_folders_that_prove_it)
{
    struct scene *s = scene_new();
    struct unbundle_target t;
    struct error err = { 0 };
    char text[20];

    pack_file(s, "sub/c");
    t = look(s, text, sizeof text);
    cr_assert(t.signed_ && t.proven);
    cr_assert_str_eq(text, "cherry\n");
    cr_assert_eq(take(s, NULL, &err), 0, "%s", err.text);
    expect_sound(s->l->b->st);
    scene_free(s);
}

Test(bundle, a_file_that_is_not_in_the_output_is_named)
{
    static const char *const wrong[] = { "sub/d", "sub",  "a/b",  "",
                                         "/a",    "sub/", "../a", "b.s" };
    struct scene *s = scene_new();
    struct error err = { 0 };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bundle_target t = file_target(s, wrong[i]);
        struct bundle *b = new_bundle(s, 0);

        cr_assert_eq(bundle_find_file(b, &t, &err), E_USAGE, "%s", wrong[i]);
        bundle_free(b);
    }
    cr_assert(strstr(err.text, "did you mean b.sh?"), "%s", err.text);
    scene_free(s);
}

/* The contents say that another file of the same folder is the one asked for. */
Test(bundle, a_file_that_the_folders_do_not_name_is_not_proven)
{
    struct scene *s = scene_new();
    struct made m;
    struct contents c = { 0 };
    struct buf text = { 0 };
    struct error err = { 0 };
    char shown[20];
    struct unbundle_target t;

    pack_file(s, "sub/c");
    m = read_parts(s);
    cr_assert_eq(contents_read(&c, m.part[0].bytes.s, m.part[0].bytes.len, &err), 0);
    c.target[0].path = "sub/other";
    contents_write(&c, &text);
    buf_release(&m.part[0].bytes);
    m.part[0].bytes = text;
    sign_again(s, &m);
    write_made(s, &m);
    t = look(s, shown, sizeof shown);
    cr_assert(t.signed_ && !t.proven);
    contents_release(&c);
    made_release(&m);
    scene_free(s);
}

/* ---- contents ---------------------------------------------------------------------- */

Test(bundle, contents_have_one_spelling)
{
    struct scene *s = scene_new();
    struct contents c = { 0 };
    struct made m;
    struct buf text = { 0 };
    struct error err = { 0 };

    m = unpack(s);
    buf_add(&text, m.part[0].bytes.s, m.part[0].bytes.len);
    for (size_t i = 0; i < text.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct buf again = { 0 };

            text.s[i] ^= 1 << bit;
            if (contents_read(&c, text.s, text.len, &err) == 0) {
                contents_write(&c, &again);
                cr_assert(again.len == text.len && !memcmp(again.s, text.s, text.len));
            }
            contents_release(&c);
            buf_release(&again);
            text.s[i] ^= 1 << bit;
        }
    for (size_t n = 0; n < text.len; n++) {
        int rc = contents_read(&c, text.s, n, &err);

        cr_assert(rc == 0 ? text.s[n - 1] == '\n' : rc == E_CORRUPT);
        contents_release(&c);
    }
    buf_release(&text);
    made_release(&m);
    scene_free(s);
}

/* docs/bundle.md: a vector that changes needs a new format number. */
Test(bundle, contents_are_those_of_the_golden_vector)
{
    char *golden = read_text(LARDER_SOURCE "/tests/golden/bundle-1.txt");
    struct digest folder[1];
    struct contents c = { .closure = CLOSURE_OUTPUTS, .volume = 2, .n_volumes = 3 };
    struct bundle_target t = { .step = "tables@net=a", .output = "table" };
    struct bundle_record r = { .by.text = "56475aa75463474c", .size = 708 };
    struct bundle_object o = { .size = 11 };
    struct buf text = { 0 };

    digest_bytes(&c.whole, "whole", 5);
    digest_bytes(&t.key, "key", 3);
    digest_bytes(folder, "folder", 6);
    t.object = (struct object){ OBJECT_TREE, .size = 30 };
    digest_bytes(&t.object.id, "tree", 4);
    contents_add_target(&c, &t);
    t.path = "more/a\tfile.tsv";
    t.folder = folder;
    t.n_folders = 1;
    t.file = (struct object){ OBJECT_EXEC, .size = 11 };
    digest_bytes(&t.file.id, "file", 4);
    t.cell = "[row=A]:value";
    t.value = "87.73";
    contents_add_target(&c, &t);
    contents_add_target(&c, &t);
    r.key = t.key;
    digest_bytes(&r.id, "envelope", 8);
    contents_add_record(&c, &r);
    o = (struct bundle_object){ t.object.id, 99 };
    contents_add_object(&c, &o);
    o = (struct bundle_object){ t.file.id, 11 };
    contents_add_object(&c, &o);
    contents_sort(&c);
    contents_write(&c, &text);
    cr_assert_str_eq(buf_str(&text), golden);
    buf_release(&text);
    contents_release(&c);
    free(golden);
}
