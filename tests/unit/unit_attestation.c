#include "attested.h"
#include "envelope.h"
#include "labs.h"

#define GOLDEN LARDER_SOURCE "/tests/golden/attestation-1.txt"

static struct attestation golden(void)
{
    static const char *env[] = { "ONEDNN_MAX_CPU_ISA=AVX2", "X=a b\n" };
    static struct attested_output output[] = {
        { .name = "curve", .same = true },
        { .name = "model\nnew", .measured = "12 numbers, 3 differ, by 1.2e-07 at most" },
    };
    struct attestation a = { .how = ATTEST_WITHIN,
                             .made = 1700000000,
                             .platform = "x86_64 onednn 2.6.3 avx2",
                             .env = env,
                             .n_env = 2,
                             .output = output,
                             .n_outputs = 2 };

    digest_bytes(&a.key, "key", 3);
    digest_bytes(&a.record, "record", 6);
    digest_bytes(&output[0].ours, "curve", 5);
    digest_bytes(&output[1].ours, "model", 5);
    return a;
}

Test(attestation, text_is_the_golden_one)
{
    struct attestation a = golden(), *read;
    struct buf text = { 0 }, again = { 0 }, want = { 0 };
    struct error err = { 0 };

    attestation_write(&a, &text);
    cr_assert_eq(fs_read(GOLDEN, &want, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_str(&text), buf_str(&want));
    cr_assert_eq(attestation_read(&read, want.s, want.len, &err), 0, "%s", err.text);
    cr_assert_eq(read->how, ATTEST_WITHIN);
    cr_assert_str_eq(read->env[1], "X=a b\n");
    cr_assert(read->output[0].same && !read->output[0].measured);
    attestation_write(read, &again);
    cr_assert_str_eq(again.s, want.s);
    attestation_free(read);
    buf_release(&text);
    buf_release(&again);
    buf_release(&want);
}

static bool is_read(const char *text, size_t n)
{
    struct attestation *a;
    bool good = attestation_read(&a, text, n, NULL) == 0;

    attestation_free(a);
    return good;
}

/* The text with one part exchanged. */
static bool is_read_with(const char *part, const char *other)
{
    struct attestation a = golden();
    struct buf text = { 0 }, changed = { 0 };
    char *at;
    bool good;

    attestation_write(&a, &text);
    at = strstr(text.s, part);
    cr_assert(at != NULL, "%s", part);
    buf_add(&changed, text.s, (size_t)(at - text.s));
    buf_adds(&changed, other);
    buf_adds(&changed, at + strlen(part));
    good = is_read(changed.s, changed.len);
    buf_release(&text);
    buf_release(&changed);
    return good;
}

Test(attestation, what_it_would_not_write_is_refused)
{
    static const char *const wrong[][2] = {
        { "larder-attestation 1", "larder-attestation 2" },
        { "how within-tolerance", "how reproduced" },
        { "how within-tolerance", "how vouched" },
        { "how within-tolerance", "how near" },
        { "made 17", "made 017" },
        { "made 17", "made -17" },
        { "env X", "env A" },
        { "env X=a b", "env X" },
        { "platform x86_64 onednn 2.6.3 avx2", "platform " },
        { "same ", "same  " },
        { "within sha", "same sha" },
        { " curve", " z" },
        { "measured 12", "measure 12" },
        { "at most\n", "at most" },
        { "at most\n", "at most\n\n" },
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert(!is_read_with(wrong[i][0], wrong[i][1]), "%s", wrong[i][1]);
    cr_assert(is_read_with("made 17", "made 18"));
}

Test(attestation, cut_anywhere_it_is_none)
{
    struct attestation a = golden();
    struct buf text = { 0 };
    size_t whole = 0;

    attestation_write(&a, &text);
    for (size_t i = 0; i < text.len; i++)
        whole += is_read(text.s, i);
    cr_assert_eq(whole, 0);
    buf_release(&text);
}

/* ---- in a store ----------------------------------------------------------------------
 */

Test(attestation, the_stronger_word_of_one_signer_stays)
{
    struct labs *l = labs_new();
    struct object o = add_text(l->a, "apple\n");
    struct record *rec = share(l, KEY, &o, l->signer);
    struct signer *other = make_signer(7);
    enum attest_how how = ATTEST_REPRODUCED;

    cr_assert_eq(count_said(l->a->st, rec, NULL), 0);
    say(l->a->st, rec, ATTEST_VOUCHED, l->signer);
    cr_assert_eq(count_said(l->a->st, rec, &how), 1);
    cr_assert_eq(how, ATTEST_VOUCHED);
    say(l->a->st, rec, ATTEST_REPRODUCED, l->signer);
    say(l->a->st, rec, ATTEST_VOUCHED, l->signer);
    cr_assert_eq(count_said(l->a->st, rec, &how), 1);
    cr_assert_eq(how, ATTEST_REPRODUCED);
    say(l->a->st, rec, ATTEST_VOUCHED, other);
    cr_assert_eq(count_said(l->a->st, rec, NULL), 2);
    signer_free(other);
    record_free(rec);
    labs_free(l);
}

/* ---- on a remote ---------------------------------------------------------------------
 */

/* Pushes what lab A's store has of the record. */
static void push_words(struct labs *l, const struct record *rec)
{
    struct error err = { 0 };
    struct push *p;

    cr_assert_eq(push_open(&p, l->a->st, "lab", l->place, l->signer, &err), 0, "%s",
                 err.text);
    cr_assert_eq(push_attestations(p, rec, &err), 0, "%s", err.text);
    cr_assert_eq(push_finish(p, &err), 0, "%s", err.text);
    push_close(p);
}

/* How many lab B knows of after it has asked. */
static size_t ask(struct labs *l, const struct record *rec)
{
    struct error err = { 0 };

    cr_assert_eq(
        remotes_find_attestations(l->remotes, &rec->key, &rec->id, "bake", ASK_ALL, &err),
        0, "%s", err.text);
    return count_said(l->b->st, rec, NULL);
}

Test(attestation, arrives_from_those_who_are_trusted)
{
    struct labs *l = labs_new();
    struct object o = add_text(l->a, "apple\n");
    struct record *rec = share(l, KEY, &o, l->signer);
    struct signer *known = make_signer(7), *stranger = make_signer(8);

    say(l->a->st, rec, ATTEST_REPRODUCED, known);
    say(l->a->st, rec, ATTEST_REPRODUCED, stranger);
    push_words(l, rec);
    cr_assert_eq(ask(l, rec), 0);
    trust_own(l->trust, signer_key(known), "lab-b");
    reopen(l, false);
    cr_assert_eq(ask(l, rec), 1);
    signer_free(known);
    signer_free(stranger);
    record_free(rec);
    labs_free(l);
}

/* Lab A's word where that of `as` would lie, or about another record. */
static void check_false(bool as_another, bool of_another)
{
    struct labs *l = labs_new();
    struct object o = add_text(l->a, "apple\n");
    struct record *rec = share(l, KEY, &o, l->signer);
    struct signer *other = make_signer(7);
    struct key_id from = key_id_of(signer_key(l->signer)),
                  to = key_id_of(signer_key(as_another ? other : l->signer));
    struct digest record = rec->id;
    struct buf name = { 0 }, there = { 0 }, here = { 0 };
    struct error err = { 0 };

    say(l->a->st, rec, ATTEST_REPRODUCED, l->signer);
    push_words(l, rec);
    if (of_another)
        digest_bytes(&record, "another", 7);
    attested_name(&rec->key, &rec->id, &from, &name);
    fs_join(&there, l->remote, name.s);
    buf_reset(&name);
    attested_name(&rec->key, &record, &to, &name);
    fs_join(&here, l->remote, name.s);
    cr_assert_eq(fs_rename(there.s, here.s, &err), 0, "%s", err.text);
    trust_own(l->trust, signer_key(other), "lab-b");
    reopen(l, false);
    rec->id = record;
    cr_assert_eq(ask(l, rec), 0);
    buf_release(&name);
    buf_release(&there);
    buf_release(&here);
    signer_free(other);
    record_free(rec);
    labs_free(l);
}

Test(attestation, of_another_signer_or_record_is_ignored)
{
    check_false(true, false);
    check_false(false, true);
}

Test(attestation, with_another_text_is_ignored)
{
    struct labs *l = labs_new();
    struct object o = add_text(l->a, "apple\n");
    struct record *rec = share(l, KEY, &o, l->signer);
    struct key_id id = key_id_of(signer_key(l->signer));
    struct buf name = { 0 }, path = { 0 }, text = { 0 };
    struct error err = { 0 };

    say(l->a->st, rec, ATTEST_REPRODUCED, l->signer);
    push_words(l, rec);
    attested_name(&rec->key, &rec->id, &id, &name);
    fs_join(&path, l->remote, name.s);
    cr_assert_eq(fs_read(path.s, &text, &err), 0, "%s", err.text);
    strstr(text.s, "made 1")[5] = '2';
    cr_assert_eq(fs_write(path.s, text.s, text.len, false, &err), 0, "%s", err.text);
    cr_assert_eq(ask(l, rec), 0);
    buf_release(&name);
    buf_release(&path);
    buf_release(&text);
    record_free(rec);
    labs_free(l);
}
