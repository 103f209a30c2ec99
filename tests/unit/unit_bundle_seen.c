/* What others say of the records in a bundle: attestations that go with them. */
#include "attested.h"
#include "bundle_scene.h"
#include "layout.h"

/* A scene in which somebody has made lab A's result again, whom lab B trusts. */
struct seen {
    struct scene *s;
    struct signer *other, *stranger;
};

static struct seen seen_new(void)
{
    struct seen x = { scene_new(), make_signer(7), make_signer(8) };

    say(x.s->l->a->st, x.s->rec, ATTEST_REPRODUCED, x.other);
    trust_own(x.s->l->trust, signer_key(x.other), "lab-c");
    return x;
}

static void seen_free(struct seen *x)
{
    signer_free(x->other);
    signer_free(x->stranger);
    scene_free(x->s);
}

/* What lab B knows. */
static size_t heard(const struct seen *x)
{
    return count_said(x->s->l->b->st, x->s->rec, NULL);
}

static void forget(const struct seen *x)
{
    const struct record *rec = x->s->rec;
    struct buf path = { 0 };
    struct error err = { 0 };

    layout_seen(x->s->l->b->st, &rec->key, &path);
    cr_assert_eq(fs_remove_tree(path.s, &err), 0, "%s", err.text);
    cr_assert_eq(store_drop_record(x->s->l->b->st, &rec->key, &rec->id, &err), 0, "%s",
                 err.text);
    buf_release(&path);
}

static struct contents contents_of(const struct made *m)
{
    struct contents c = { 0 };
    struct error err = { 0 };

    cr_assert_eq(contents_read(&c, m->part[0].bytes.s, m->part[0].bytes.len, &err), 0,
                 "%s", err.text);
    return c;
}

/* The contents of a bundle, changed and signed by who packed it; releases c. */
static void say_instead(struct scene *s, struct made *m, struct contents *c)
{
    struct buf *text = &m->part[0].bytes;

    buf_reset(text);
    contents_write(c, text);
    sign_again(s, m);
    contents_release(c);
}

/* The one attestation, which stands behind the one record; the contents follow it. */
static void exchange(struct seen *x, struct made *m, const struct buf *letter,
                     const struct bundle_attestation *what)
{
    struct contents c = contents_of(m);
    struct part *p = &m->part[2];
    struct buf name = { 0 };

    c.attestation[0] = *what;
    c.attestation[0].size = (long long)letter->len;
    digest_bytes(&c.attestation[0].id, letter->s, letter->len);
    volume_attestation_name(&c.attestation[0], &name);
    snprintf(p->name, sizeof p->name, "%s", name.s);
    buf_release(&p->bytes);
    buf_add(&p->bytes, letter->s, letter->len);
    say_instead(x->s, m, &c);
    buf_release(&name);
}

static struct bundle_attestation about(const struct record *rec, const struct signer *by)
{
    return (struct bundle_attestation){ .key = rec->key,
                                        .record = rec->id,
                                        .by = key_id_of(signer_key(by)) };
}

/* An attestation, in the envelope that `by` has signed. */
static void write_letter(const struct attestation *a, const struct signer *by,
                         struct buf *to)
{
    struct buf text = { 0 };
    struct envelope e;

    attestation_write(a, &text);
    cr_assert_eq(envelope_sign(&e, ENVELOPE_ATTESTATION, by, text.s, text.len, NULL), 0);
    envelope_write(&e, to);
    buf_release(&text);
}

static void expect_no(struct seen *x, const struct made *m, const char *why)
{
    struct error err = { 0 };

    cr_assert_eq(take_made(x->s, m, &err), E_CORRUPT, "%s", why);
    cr_assert(strstr(err.text, why), "%s: %s", why, err.text);
    cr_assert(!has_record(x->s) && heard(x) == 0, "%s", why);
}

/* ---- round trips ------------------------------------------------------------------- */

Test(bundle_seen, what_is_said_by_those_who_are_trusted_is_there)
{
    struct seen x = seen_new();
    struct unbundle_totals sum;
    enum attest_how how = ATTEST_VOUCHED;
    struct error err = { 0 };

    say(x.s->l->a->st, x.s->rec, ATTEST_VOUCHED, x.stranger);
    pack(x.s);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(take(x.s, &sum, &err), 0, "%s", err.text);
        cr_assert(sum.n_records == 1 && sum.n_attestations == 2 && sum.n_ignored == 1);
        cr_assert_eq(count_said(x.s->l->b->st, x.s->rec, &how), 1);
        cr_assert_eq(how, ATTEST_REPRODUCED);
    }
    cr_assert(has_record(x.s));
    expect_sound(x.s->l->b->st);
    seen_free(&x);
}

Test(bundle_seen, equal_words_give_equal_bytes_and_none_the_bytes_of_before)
{
    struct seen x = seen_new();
    struct buf one = { 0 }, two = { 0 };
    struct error err = { 0 };
    struct scene *bare = scene_new();
    struct made m;
    struct bundle *b;

    say(x.s->l->a->st, x.s->rec, ATTEST_VOUCHED, x.stranger);
    pack(x.s);
    cr_assert_eq(fs_read(x.s->file, &one, &err), 0);
    b = new_bundle(x.s, 0);
    add_all(x.s, b);
    add_all(x.s, b);
    cr_assert_eq(bundle_write(b, x.s->file, &err), 0, "%s", err.text);
    bundle_free(b);
    cr_assert_eq(fs_read(x.s->file, &two, &err), 0);
    cr_assert(one.len == two.len && !memcmp(one.s, two.s, one.len));
    m = read_parts(x.s);
    cr_assert(!strncmp(m.part[0].bytes.s, "larder-bundle 2\n", 16));
    made_release(&m);
    m = unpack(bare);
    cr_assert(!strncmp(m.part[0].bytes.s, "larder-bundle 1\n", 16));
    cr_assert_null(strstr(m.part[0].bytes.s, "attestation"));
    made_release(&m);
    buf_release(&one);
    buf_release(&two);
    scene_free(bare);
    seen_free(&x);
}

Test(bundle_seen, a_weaker_word_takes_no_place)
{
    struct seen x = seen_new();
    enum attest_how how = ATTEST_VOUCHED;
    struct error err = { 0 };
    struct made m = unpack(x.s);
    struct attested_output o;
    struct attestation a = attestation_of(x.s->rec, ATTEST_VOUCHED, &o);
    struct bundle_attestation what = about(x.s->rec, x.other);
    struct buf letter = { 0 };

    cr_assert_eq(take_made(x.s, &m, &err), 0, "%s", err.text);
    write_letter(&a, x.other, &letter);
    exchange(&x, &m, &letter, &what);
    cr_assert_eq(take_made(x.s, &m, &err), 0, "%s", err.text);
    cr_assert_eq(count_said(x.s->l->b->st, x.s->rec, &how), 1);
    cr_assert_eq(how, ATTEST_REPRODUCED);
    forget(&x);
    cr_assert_eq(take_made(x.s, &m, &err), 0, "%s", err.text);
    cr_assert_eq(count_said(x.s->l->b->st, x.s->rec, &how), 1);
    cr_assert_eq(how, ATTEST_VOUCHED);
    buf_release(&letter);
    made_release(&m);
    seen_free(&x);
}

Test(bundle_seen, nothing_is_kept_of_what_is_not_taken)
{
    struct seen x = seen_new();
    struct unbundle_totals sum;
    struct error err = { 0 };
    struct trust *kept = trust_with(x.s, "*", "never-remote bake\n");
    struct trust *one = trust_with(x.s, "*", "");
    const char *file = x.s->file;

    trust_own(kept, signer_key(x.other), "lab-c");
    pack(x.s);
    cr_assert_eq(read_files(x.s->l->b->st, kept, &file, 1, &sum, &err), E_TRUST);
    cr_assert(!has_record(x.s) && heard(&x) == 0);
    cr_assert_eq(read_files(NULL, kept, &file, 1, &sum, &err), 0, "%s", err.text);
    cr_assert(sum.n_attestations == 1 && sum.n_ignored == 1);
    cr_assert_eq(read_files(x.s->l->b->st, one, &file, 1, &sum, &err), 0, "%s", err.text);
    cr_assert(has_record(x.s) && heard(&x) == 0 && sum.n_ignored == 1);
    trust_close(kept);
    trust_close(one);
    seen_free(&x);
}

/* The smallest files that can be: the attestation is in the one behind that of its
 * record.
 */
static char **divide(struct scene *s, size_t *n)
{
    long long max = 0;
    struct error err = { 0 };

    for (int rc = E_USAGE; rc == E_USAGE;) {
        struct bundle *b = new_bundle(s, max += 100);

        add_all(s, b);
        rc = bundle_write(b, s->file, &err);
        cr_assert(rc == 0 || rc == E_USAGE, "%s", err.text);
        bundle_free(b);
    }
    return pack_volumes(s, max, n);
}

static int take_files(struct seen *x, char **file, size_t n, struct unbundle_totals *sum,
                      struct error *err)
{
    return read_files(x->s->l->b->st, x->s->l->trust, (const char *const *)file, n, sum,
                      err);
}

Test(bundle_seen, volumes_may_come_in_any_order)
{
    struct seen x = seen_new();
    struct unbundle_totals sum;
    struct error err = { 0 };
    size_t n;
    char **file = divide(x.s, &n), *first = file[0];

    cr_assert(n > 2, "%zu", n);
    cr_assert_eq(take_files(&x, file + 1, n - 1, &sum, &err), 0, "%s", err.text);
    cr_assert(sum.n_attestations == 1 && sum.n_ignored == 1 && sum.n_missing == 1);
    cr_assert(!has_record(x.s) && heard(&x) == 0);
    cr_assert_eq(take_files(&x, file, 1, &sum, &err), 0, "%s", err.text);
    cr_assert(has_record(x.s) && sum.n_attestations == 0);
    cr_assert_eq(take_files(&x, file + 1, 1, &sum, &err), 0, "%s", err.text);
    cr_assert(heard(&x) == 1 && sum.n_ignored == 0);
    forget(&x);
    memmove(file, file + 1, (n - 1) * sizeof *file);
    file[n - 1] = first;
    cr_assert_eq(take_files(&x, file, n, &sum, &err), 0, "%s", err.text);
    cr_assert(heard(&x) == 1 && has_record(x.s) && sum.n_missing == 0);
    for (size_t i = 0; i < n; i++)
        free(file[i]);
    free(file);
    seen_free(&x);
}

/* ---- what is wrong ----------------------------------------------------------------- */

Test(bundle_seen, every_byte_changed_is_refused_or_harmless, .timeout = 60)
{
    struct seen x = seen_new();
    struct buf whole = { 0 }, tar = { 0 };
    struct made m = unpack(x.s);
    struct error err = { 0 };

    cr_assert_eq(fs_read(x.s->file, &whole, &err), 0);
    write_tar(&m, &tar);
    for (size_t i = 0; i < whole.len + tar.len; i += 5) {
        bool packed = i < whole.len;
        struct buf *bytes = packed ? &whole : &tar;
        size_t at = packed ? i : i - whole.len;
        bool good;

        bytes->s[at] ^= 1 << i % 7;
        if (packed)
            put_file(x.s, bytes);
        else
            write_tar_zst(x.s, bytes);
        good = take(x.s, NULL, &err) == 0;
        cr_assert_eq(heard(&x), good, "%zu: %s", i, err.text);
        cr_assert_eq(has_record(x.s), good, "%zu: %s", i, err.text);
        if (good)
            forget(&x);
        bytes->s[at] ^= 1 << i % 7;
    }
    expect_sound(x.s->l->b->st);
    buf_release(&tar);
    buf_release(&whole);
    made_release(&m);
    seen_free(&x);
}

Test(bundle_seen, a_forged_word_is_refused_whoever_packed_it)
{
    struct seen x = seen_new();
    struct made m = unpack(x.s);
    struct bundle_attestation what = about(x.s->rec, x.other);
    struct attested_output o;
    struct attestation a = attestation_of(x.s->rec, ATTEST_REPRODUCED, &o);
    struct buf letter = { 0 };
    char *made;

    cr_assert_eq(m.n, 11);
    buf_add(&letter, m.part[2].bytes.s, m.part[2].bytes.len);
    made = strstr(letter.s, "made 1");
    made[5] = '2';
    exchange(&x, &m, &letter, &what);
    expect_no(&x, &m, "the signature of an attestation does not fit");
    made[5] = '1';
    buf_addc(&letter, '\n');
    exchange(&x, &m, &letter, &what);
    expect_no(&x, &m, "line 6 of a signed text");
    buf_reset(&letter);
    write_letter(&a, x.stranger, &letter); /* who says that he is the other */
    exchange(&x, &m, &letter, &what);
    expect_no(&x, &m, "is not what key");
    buf_reset(&letter);
    buf_add(&letter, m.part[1].bytes.s, m.part[1].bytes.len); /* a record is none */
    exchange(&x, &m, &letter, &what);
    expect_no(&x, &m, "line 2 of a signed text");
    buf_release(&letter);
    made_release(&m);
    seen_free(&x);
}

Test(bundle_seen, a_word_that_is_no_attestation_as_we_write_it_is_refused)
{
    static const char wrong[] = "larder-attestation 1\nkey sha256:0\n";
    struct seen x = seen_new();
    struct made m = unpack(x.s);
    struct bundle_attestation what = about(x.s->rec, x.other);
    struct buf letter = { 0 };
    struct envelope e;

    cr_assert_eq(
        envelope_sign(&e, ENVELOPE_ATTESTATION, x.other, wrong, strlen(wrong), NULL), 0);
    envelope_write(&e, &letter);
    exchange(&x, &m, &letter, &what);
    expect_no(&x, &m, "of an attestation: no valid key");
    buf_release(&letter);
    made_release(&m);
    seen_free(&x);
}

Test(bundle_seen, a_word_about_what_is_not_in_it_is_refused)
{
    struct seen x = seen_new();
    struct made m = unpack(x.s);
    struct record other = *x.s->rec;
    struct buf letter = { 0 };

    for (int i = 0; i < 2; i++) { /* another record; the same, of another key */
        struct bundle_attestation what;
        struct attested_output o;
        struct attestation a;

        other = *x.s->rec;
        digest_bytes(i ? &other.key : &other.id, "another", 7);
        what = about(&other, x.other);
        a = attestation_of(&other, ATTEST_REPRODUCED, &o);
        buf_reset(&letter);
        write_letter(&a, x.other, &letter);
        exchange(&x, &m, &letter, &what);
        expect_no(&x, &m, "which is not in it");
        what = about(x.s->rec, x.other); /* or the contents lie */
        exchange(&x, &m, &letter, &what);
        expect_no(&x, &m, "is not what key");
    }
    buf_release(&letter);
    made_release(&m);
    seen_free(&x);
}

Test(bundle_seen, a_word_that_is_left_out_or_not_listed_is_refused)
{
    struct seen x = seen_new();
    struct made m = unpack(x.s), less = m;
    struct contents c = contents_of(&m);

    memmove(&less.part[2], &less.part[3], (less.n - 3) * sizeof *less.part);
    less.n--;
    expect_no(&x, &less, "something else stands where");
    c.n_attestations = 0;
    say_instead(x.s, &m, &c);
    expect_no(&x, &m, "something else stands where");
    made_release(&m);
    seen_free(&x);
}

/* ---- contents ---------------------------------------------------------------------- */

static int read_again(const struct contents *c, struct buf *text, struct error *err)
{
    struct contents again = { 0 };
    int rc;

    buf_reset(text);
    contents_write(c, text);
    rc = contents_read(&again, text->s, text->len, err);
    contents_release(&again);
    return rc;
}

/* So many attestations of one record. */
static void add_many(struct contents *c, const char *record, size_t n)
{
    struct bundle_attestation a = { .size = 1 };

    digest_bytes(&a.record, record, strlen(record));
    for (size_t i = 0; i < n; i++) {
        snprintf(a.by.text, sizeof a.by.text, "%016zx", i);
        contents_add_attestation(c, &a);
    }
    contents_sort(c);
}

Test(bundle_seen, a_record_has_so_many_words_and_no_more)
{
    struct contents c = { .volume = 1, .n_volumes = 1 };
    struct buf text = { 0 };
    struct error err = { 0 };

    add_many(&c, "one", BUNDLE_ATTESTATIONS_MAX);
    add_many(&c, "two", BUNDLE_ATTESTATIONS_MAX);
    cr_assert_eq(read_again(&c, &text, &err), 0, "%s", err.text);
    add_many(&c, "two", BUNDLE_ATTESTATIONS_MAX + 1);
    cr_assert_eq(c.n_attestations, 2 * BUNDLE_ATTESTATIONS_MAX + 1);
    cr_assert_eq(read_again(&c, &text, &err), E_CORRUPT);
    cr_assert(strstr(err.text, "at most 1000 attestations"), "%s", err.text);
    buf_release(&text);
    contents_release(&c);
}

Test(bundle_seen, a_word_has_so_many_bytes_and_no_more)
{
    struct contents c = { .volume = 1, .n_volumes = 1 };
    struct buf text = { 0 };
    struct error err = { 0 };

    add_many(&c, "one", 1);
    c.attestation[0].size = ATTESTATION_MAX;
    cr_assert_eq(read_again(&c, &text, &err), 0, "%s", err.text);
    c.attestation[0].size++;
    cr_assert_eq(read_again(&c, &text, &err), E_CORRUPT);
    buf_release(&text);
    contents_release(&c);
}

/* docs/bundle.md: a vector that changes needs a new format number. */
static void golden(struct contents *c)
{
    struct bundle_attestation a = { .by.text = "56475aa75463474c", .size = 512 };
    struct bundle_record r = { .by.text = "21fe31dfa154a261", .size = 708 };
    struct bundle_object o = { .size = 11 };

    *c = (struct contents){ .closure = CLOSURE_ALL, .volume = 1, .n_volumes = 1 };
    digest_bytes(&r.key, "key", 3);
    digest_bytes(&r.id, "envelope", 8);
    contents_add_record(c, &r);
    a.key = r.key;
    digest_bytes(&a.record, "record", 6);
    digest_bytes(&a.id, "letter", 6);
    contents_add_attestation(c, &a);
    snprintf(a.by.text, sizeof a.by.text, "03a107bff3ce10be");
    contents_add_attestation(c, &a);
    digest_bytes(&o.id, "file", 4);
    contents_add_object(c, &o);
    contents_sort(c);
}

Test(bundle_seen, contents_are_those_of_the_golden_vector)
{
    char *want = read_text(LARDER_SOURCE "/tests/golden/bundle-2.txt");
    struct contents c;
    struct buf text = { 0 };

    golden(&c);
    contents_write(&c, &text);
    cr_assert_str_eq(buf_str(&text), want);
    buf_release(&text);
    contents_release(&c);
    free(want);
}

Test(bundle_seen, contents_have_one_spelling)
{
    struct contents c, read = { 0 };
    struct buf text = { 0 };

    golden(&c);
    contents_write(&c, &text);
    for (size_t i = 0; i < text.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct buf again = { 0 };

            text.s[i] ^= 1 << bit;
            if (contents_read(&read, text.s, text.len, NULL) == 0) {
                contents_write(&read, &again);
                cr_assert(again.len == text.len && !memcmp(again.s, text.s, text.len));
            }
            contents_release(&read);
            buf_release(&again);
            text.s[i] ^= 1 << bit;
        }
    buf_release(&text);
    contents_release(&c);
}

/* So that no reader passes over what it does not know. */
Test(bundle_seen, the_number_of_the_format_says_whether_there_are_any)
{
    struct contents c, read = { 0 };
    struct buf text = { 0 };
    struct error err = { 0 };

    golden(&c);
    contents_write(&c, &text);
    for (char number = '0'; number <= '9'; number++) {
        text.s[strlen("larder-bundle ")] = number;
        cr_assert_eq(contents_read(&read, text.s, text.len, &err),
                     number == '2' ? 0 : E_CORRUPT);
        contents_release(&read);
    }
    cr_assert(strstr(err.text, "the number of its format"), "%s", err.text);
    c.n_attestations = 0;
    buf_reset(&text);
    contents_write(&c, &text);
    cr_assert_eq(contents_read(&read, text.s, text.len, &err), 0, "%s", err.text);
    contents_release(&read);
    text.s[strlen("larder-bundle ")] = '2';
    cr_assert_eq(contents_read(&read, text.s, text.len, &err), E_CORRUPT);
    contents_release(&read);
    buf_release(&text);
    contents_release(&c);
}
