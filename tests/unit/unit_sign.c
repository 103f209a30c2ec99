#include "larder/sign.h"

#include "store_fixture.h"

#include "envelope.h"
#include "larder/keyring.h"

/* The private key of the golden vectors: bytes 0 to 31. */
static struct signer *golden_signer(void)
{
    unsigned char seed[SEED_SIZE];
    struct error err = { 0 };
    struct signer *s;

    for (int i = 0; i < SEED_SIZE; i++)
        seed[i] = (unsigned char)i;
    cr_assert_eq(signer_new(&s, seed, &err), 0, "%s", err.text);
    return s;
}

Test(sign, key_of_rfc_8032)
{
    unsigned char seed[SEED_SIZE];
    struct buf text = { 0 };
    struct signer *s;

    cr_assert(
        hex_parse(seed, sizeof seed,
                  "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
    cr_assert_eq(signer_new(&s, seed, NULL), 0);
    public_key_write(signer_key(s), &text);
    cr_assert_str_eq(
        buf_str(&text),
        "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    signer_free(s);
    buf_release(&text);
}

Test(sign, text_is_the_golden_one)
{
    struct buf record = { 0 }, text = { 0 }, golden = { 0 };
    struct signer *s = golden_signer();
    struct error err = { 0 };
    struct envelope e;

    cr_assert_eq(fs_read(LARDER_SOURCE "/tests/golden/record-1.txt", &record, &err), 0);
    cr_assert_eq(
        fs_read(LARDER_SOURCE "/tests/golden/signed-record-1.txt", &golden, &err), 0);
    cr_assert_eq(envelope_sign(&e, ENVELOPE_RECORD, s, record.s, record.len, &err), 0,
                 "%s", err.text);
    envelope_write(&e, &text);
    cr_assert_str_eq(buf_str(&text), buf_str(&golden));
    cr_assert_str_eq(key_id_of(&e.signer).text, "56475aa75463474c");
    signer_free(s);
    buf_release(&record);
    buf_release(&text);
    buf_release(&golden);
}

/* Reads the golden text with byte `at` changed, or cut there. */
static bool is_accepted(const struct buf *golden, size_t at, bool cut)
{
    struct buf text = { 0 };
    struct envelope e;
    bool good;

    buf_add(&text, golden->s, cut ? at : golden->len);
    if (!cut)
        text.s[at] ^= 1;
    good = envelope_read(&e, ENVELOPE_RECORD, buf_str(&text), text.len, NULL) == 0 &&
           envelope_is_true(&e);
    buf_release(&text);
    return good;
}

Test(sign, no_other_text_is_accepted)
{
    struct buf golden = { 0 };
    struct error err = { 0 };
    struct envelope e;

    cr_assert_eq(
        fs_read(LARDER_SOURCE "/tests/golden/signed-record-1.txt", &golden, &err), 0);
    cr_assert_eq(envelope_read(&e, ENVELOPE_RECORD, golden.s, golden.len, &err), 0, "%s",
                 err.text);
    cr_assert(envelope_is_true(&e));
    for (size_t i = 0; i < golden.len; i++) {
        cr_assert(!is_accepted(&golden, i, false), "byte %zu changed", i);
        cr_assert(!is_accepted(&golden, i, true), "cut at %zu", i);
    }
    buf_release(&golden);
}

Test(sign, signature_is_of_one_type_of_bytes)
{
    struct signer *s = golden_signer();
    struct signature sig;

    cr_assert_eq(sign_bytes(s, "record", "bytes", 5, &sig, NULL), 0);
    cr_assert(signature_fits(&sig, signer_key(s), "record", "bytes", 5));
    cr_assert(!signature_fits(&sig, signer_key(s), "recor", "dbytes", 6));
    cr_assert(!signature_fits(&sig, signer_key(s), "record", "byte", 4));
    signer_free(s);
}

Test(sign, public_keys_have_one_spelling)
{
    static const char good[] =
        "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    struct public_key key;
    char text[sizeof good + 1];

    cr_assert(public_key_parse(&key, good));
    snprintf(text, sizeof text, "%s0", good);
    cr_assert(!public_key_parse(&key, text));
    snprintf(text, sizeof text, "%.*s", (int)sizeof good - 2, good);
    cr_assert(!public_key_parse(&key, text));
    snprintf(text, sizeof text, "%s", good);
    text[8] = 'D';
    cr_assert(!public_key_parse(&key, text));
    cr_assert(!public_key_parse(&key, good + 8));
}

Test(keyring, keeps_keys_that_nobody_else_may_read)
{
    struct fixture *f = fixture_new(false);
    struct error err = { 0 };
    struct signer *made, *again;
    char folder[100], *used = NULL;
    struct stat st;

    snprintf(folder, sizeof folder, "%s/config/keys", f->dir);
    cr_assert_eq(keyring_open(folder, NULL, &again, NULL, &err), KEYRING_EMPTY);
    cr_assert_eq(keyring_make(folder, "lab", &made, &err), 0, "%s", err.text);
    cr_assert_eq(stat(fixture_path(f, "config/keys/lab"), &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
    cr_assert_eq(keyring_open(folder, NULL, &again, &used, &err), 0, "%s", err.text);
    cr_assert_str_eq(used, "lab");
    cr_assert(public_key_equal(signer_key(made), signer_key(again)));
    signer_free(again);
    cr_assert_eq(keyring_make(folder, "lab", &again, &err), E_USAGE);
    cr_assert_eq(keyring_make(folder, "../lab", &again, &err), E_USAGE);
    cr_assert_eq(chmod(f->path, 0640), 0);
    cr_assert_eq(keyring_open(folder, "lab", &again, NULL, &err), E_TRUST, "%s",
                 err.text);
    cr_assert_eq(chmod(f->path, 0600), 0);
    cr_assert_eq(truncate(f->path, 80), 0);
    cr_assert_eq(keyring_open(folder, "lab", &again, NULL, &err), E_INPUT);
    signer_free(made);
    free(used);
    fixture_free(f);
}

Test(keyring, of_several_one_must_be_named)
{
    struct fixture *f = fixture_new(false);
    struct error err = { 0 };
    struct signer *s;

    cr_assert_eq(keyring_make(fixture_path(f, "keys"), "a", &s, &err), 0);
    signer_free(s);
    cr_assert_eq(keyring_make(fixture_path(f, "keys"), "b", &s, &err), 0);
    signer_free(s);
    cr_assert_eq(keyring_open(f->path, NULL, &s, NULL, &err), E_USAGE);
    cr_assert(strstr(err.text, "a, b"), "%s", err.text);
    cr_assert_eq(keyring_open(f->path, "b", &s, NULL, &err), 0);
    signer_free(s);
    fixture_free(f);
}
