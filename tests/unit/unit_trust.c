#include "larder/trust.h"

#include "store_fixture.h"

#define KEY_A "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define KEY_B "ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"

static struct trust *open_trust(struct fixture *f)
{
    struct error err = { 0 };
    struct trust *t;

    cr_assert_eq(trust_open(&t, fixture_path(f, "larder.trust"), "larder.trust", &err), 0,
                 "%s", err.text);
    return t;
}

static void add(struct fixture *f, const char *key, const char *name, const char *stages)
{
    struct trust *t = open_trust(f);
    struct error err = { 0 };
    struct public_key k;

    cr_assert(public_key_parse(&k, key));
    cr_assert_eq(trust_add(t, &k, name, stages, &err), 0, "%s", err.text);
    trust_close(t);
}

static const struct public_key *parsed(const char *text, struct public_key *key)
{
    cr_assert(public_key_parse(key, text));
    return key;
}

Test(trust, nobody_without_a_file)
{
    struct fixture *f = fixture_new(false);
    struct trust *t = open_trust(f);
    struct public_key key;

    cr_assert_eq(trust_count(t), 0);
    cr_assert(!trust_allows(t, parsed(KEY_A, &key), "train"));
    trust_close(t);
    fixture_free(f);
}

Test(trust, a_key_is_trusted_with_the_stages_of_its_line)
{
    struct fixture *f = fixture_new(false);
    struct public_key a, b;
    struct trust *t;

    add(f, KEY_A, "lab-a", NULL);
    add(f, KEY_B, "lab-b", "eval-*");
    add(f, KEY_B, "lab-b", "eval-*");
    t = open_trust(f);
    cr_assert_eq(trust_count(t), 2);
    cr_assert(trust_allows(t, parsed(KEY_A, &a), "train"));
    cr_assert(trust_allows(t, parsed(KEY_B, &b), "eval-c"));
    cr_assert(!trust_allows(t, &b, "train"));
    cr_assert_str_eq(trust_find(t, key_id_of(&b).text)->name, "lab-b");
    trust_close(t);
    fixture_free(f);
}

Test(trust, other_lines_stay_when_one_is_removed)
{
    struct fixture *f = fixture_new(false);
    struct error err = { 0 };
    struct trust *t;
    char *text;

    write_text(fixture_path(f, "larder.trust"),
               "# ours\n\nlarder-trust 1 # the format\n");
    add(f, KEY_A, "lab-a", NULL);
    add(f, KEY_B, "lab-b", NULL);
    t = open_trust(f);
    cr_assert_eq(trust_remove(t, "lab-c", &err), E_USAGE);
    cr_assert(strstr(err.text, "did you mean lab-"), "%s", err.text);
    cr_assert_eq(trust_remove(t, "lab-a", &err), 0, "%s", err.text);
    trust_close(t);
    text = read_text(fixture_path(f, "larder.trust"));
    cr_assert(strstr(text, "# ours\n\nlarder-trust 1 # the format\nkey "));
    cr_assert(strstr(text, KEY_B) && !strstr(text, KEY_A));
    free(text);
    fixture_free(f);
}

Test(trust, a_file_of_remarks_alone_gets_its_first_line_with_the_first_key)
{
    struct fixture *f = fixture_new(false);
    struct trust *t;
    char *text;

    write_text(fixture_path(f, "larder.trust"), "# nobody yet");
    add(f, KEY_A, "lab-a", NULL);
    t = open_trust(f);
    cr_assert_eq(trust_count(t), 1);
    trust_close(t);
    text = read_text(fixture_path(f, "larder.trust"));
    cr_assert(strstr(text, "# nobody yet\nlarder-trust 1\nkey "), "%s", text);
    free(text);
    fixture_free(f);
}

Test(trust, one_name_means_one_key)
{
    struct fixture *f = fixture_new(false);
    struct error err = { 0 };
    struct public_key b;
    struct trust *t;

    add(f, KEY_A, "lab", "train");
    add(f, KEY_A, "lab", "eval");
    t = open_trust(f);
    cr_assert(public_key_parse(&b, KEY_B));
    cr_assert_eq(trust_add(t, &b, "lab", NULL, &err), E_USAGE);
    cr_assert_eq(trust_add(t, &b, "two words", NULL, &err), E_USAGE);
    cr_assert_eq(trust_add(t, &b, "b", "a b", &err), E_USAGE);
    trust_close(t);
    fixture_free(f);
}

Test(trust, what_is_not_understood_is_refused_with_its_place)
{
    static const struct {
        const char *text, *place;
    } wrong[] = {
        { "key\n", ":1:1: " },
        { "larder-trust 2\n", ":1:1: " },
        { "larder-trust 1\nkex 1 2 3\n", ":2:1: " },
        { "larder-trust 1\nkey 21fe31dfa154a26 " KEY_A " a\n", ":2:5: " },
        { "larder-trust 1\nkey 0123456789abcdef " KEY_A " a\n", ":2:5: " },
        { "larder-trust 1\nkey 21fe31dfa154a261 ed25519:12 a\n", ":2:22: " },
        { "larder-trust 1\nkey 21fe31dfa154a261 " KEY_A "\n", ":2:22: " },
        { "larder-trust 1\n  key 21fe31dfa154a261 " KEY_A " a k=2\n", ":2:99: " },
        { "larder-trust 1\nkey 21fe31dfa154a261 " KEY_A " a stages=a stages=b\n",
          ":2:106: " },
        { "larder-trust 1\nnever-remote\n", ":2:1: " },
        { "larder-trust 1\nk\n", ":2:1: " },
        { "larder-trust 1\nk 0\n", ":2:3: " },
        { "larder-trust 1\nk 2x\n", ":2:3: " },
        { "larder-trust 1\nk 100\n", ":2:3: " },
        { "larder-trust 1\nk 2 stage=a\n", ":2:5: " },
        { "larder-trust 1\nk 2 stages=\n", ":2:5: " },
        { "larder-trust 1\nk 2 stages=a b\n", ":2:14: " },
        { "larder-trust 1\naudit 5\n", ":2:7: " },
        { "larder-trust 1\naudit 101%\n", ":2:7: " },
        { "larder-trust 1\naudit -1%\n", ":2:7: " },
        { "larder-trust 1\naudit nan%\n", ":2:7: " },
        { "larder-trust 1\nrevoked lab-a\n", ":2:9: " },
    };
    struct fixture *f = fixture_new(false);

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error err = { 0 };
        struct trust *t;

        write_text(fixture_path(f, "t"), wrong[i].text);
        cr_assert_eq(trust_open(&t, f->path, "t", &err), E_INPUT, "%s", wrong[i].text);
        cr_assert_null(t);
        cr_assert(!strncmp(err.text + 1, wrong[i].place, strlen(wrong[i].place)),
                  "%s: %s", wrong[i].text, err.text);
    }
    fixture_free(f);
}

Test(trust, stages_that_stay_at_home)
{
    struct fixture *f = fixture_new(false);
    struct trust *t;

    write_text(fixture_path(f, "larder.trust"), "larder-trust 1\nnever-remote val-*\n");
    t = open_trust(f);
    cr_assert(trust_forbids(t, "val-set"));
    cr_assert(!trust_forbids(t, "train"));
    trust_close(t);
    fixture_free(f);
}

Test(trust, the_strictest_line_that_fits_counts)
{
    struct fixture *f = fixture_new(false);
    struct trust *t;

    write_text(
        fixture_path(f, "larder.trust"),
        "larder-trust 1\nk 3 stages=train*\nk 2\naudit 5%\naudit 12.5% stages=eval-*\n");
    t = open_trust(f);
    cr_assert_eq(trust_k(t, "train"), 3);
    cr_assert_eq(trust_k(t, "table"), 2);
    cr_assert_float_eq(trust_audit(t, "table"), 0.05, 1e-12);
    cr_assert_float_eq(trust_audit(t, "eval-c"), 0.125, 1e-12);
    trust_close(t);
    fixture_free(f);
}

Test(trust, one_key_is_enough_where_nothing_is_said)
{
    struct fixture *f = fixture_new(false);
    struct trust *t = open_trust(f);

    cr_assert_eq(trust_k(t, "train"), 1);
    cr_assert_float_eq(trust_audit(t, "train"), 0, 1e-12);
    trust_close(t);
    fixture_free(f);
}

Test(trust, a_revoked_key_counts_no_more_wherever_it_is_named)
{
    struct fixture *f = fixture_new(false);
    struct error err = { 0 };
    struct public_key a, b;
    struct key_id id;
    struct trust *t;

    add(f, KEY_A, "lab-a", NULL);
    add(f, KEY_B, "lab-b", NULL);
    t = open_trust(f);
    cr_assert_eq(trust_revoke(t, "lab-c", &id, &err), E_USAGE);
    cr_assert_eq(trust_revoke(t, "lab-a", &id, &err), 0, "%s", err.text);
    trust_close(t);

    t = open_trust(f);
    cr_assert_eq(trust_count(t), 1);
    cr_assert(!trust_allows(t, parsed(KEY_A, &a), "train"));
    cr_assert(trust_allows(t, parsed(KEY_B, &b), "train"));
    cr_assert_eq(trust_revoked(t, &id), 3);
    cr_assert_eq(trust_add(t, &a, "lab-a", NULL, &err), E_USAGE);
    cr_assert_eq(trust_revoke(t, "lab-a", &id, &err), E_USAGE);
    trust_close(t);

    write_text(fixture_path(f, "larder.trust"),
               "larder-trust 1\nrevoked 21fe31dfa154a261\nkey 21fe31dfa154a261 " KEY_A
               " a\n");
    t = open_trust(f);
    trust_own(t, &a, "own");
    cr_assert_eq(trust_count(t), 0);
    cr_assert_eq(trust_revoke(t, "0123456789abcdef", &id, &err), 0, "%s", err.text);
    trust_close(t);
    fixture_free(f);
}
