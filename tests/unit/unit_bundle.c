#include "bundle_scene.h"

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
