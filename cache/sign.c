#include "larder/sign.h"

#include <stdlib.h>
#include <string.h>

#include "larder/mem.h"

#include "larder/banned.h"
#include "larder/crypto.h"

struct signer {
    EVP_PKEY *pair;
    struct public_key key;
};

static const char key_word[] = "ed25519:";

int signer_new(struct signer **to, const unsigned char seed[SEED_SIZE], struct error *err)
{
    struct signer *s = xcalloc(1, sizeof *s);
    size_t n = sizeof s->key.byte;

    *to = NULL;
    s->pair = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed, SEED_SIZE);
    if (!s->pair || EVP_PKEY_get_raw_public_key(s->pair, s->key.byte, &n) != 1 ||
        n != sizeof s->key.byte) {
        signer_free(s);
        return error_set(err, E_SYSTEM, "libcrypto gives no Ed25519");
    }
    *to = s;
    return 0;
}

void signer_free(struct signer *s)
{
    if (!s)
        return;
    EVP_PKEY_free(s->pair); /* which wipes the private half */
    free(s);
}

const struct public_key *signer_key(const struct signer *s)
{
    return &s->key;
}

/* What is signed in place of the bytes: they, and what they are. */
static void authenticate(const char *type, const void *bytes, size_t n, struct buf *to)
{
    buf_printf(to, "DSSEv1 %zu %s %zu ", strlen(type), type, n);
    buf_add(to, bytes, n);
}

int sign_bytes(const struct signer *s, const char *type, const void *bytes, size_t n,
               struct signature *sig, struct error *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = sizeof sig->byte;
    struct buf all = { 0 };
    int rc = 0;

    authenticate(type, bytes, n, &all);
    if (!context || EVP_DigestSignInit(context, NULL, NULL, NULL, s->pair) != 1 ||
        EVP_DigestSign(context, sig->byte, &size, (unsigned char *)all.s, all.len) != 1 ||
        size != sizeof sig->byte)
        rc = error_set(err, E_SYSTEM, "libcrypto could not sign");
    buf_release(&all);
    EVP_MD_CTX_free(context);
    return rc;
}

bool signature_fits(const struct signature *sig, const struct public_key *key,
                    const char *type, const void *bytes, size_t n)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY *half = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key->byte,
                                                    sizeof key->byte);
    struct buf all = { 0 };
    bool fits;

    authenticate(type, bytes, n, &all);
    fits = context && half &&
           EVP_DigestVerifyInit(context, NULL, NULL, NULL, half) == 1 &&
           EVP_DigestVerify(context, sig->byte, sizeof sig->byte, (unsigned char *)all.s,
                            all.len) == 1;
    buf_release(&all);
    EVP_PKEY_free(half);
    EVP_MD_CTX_free(context);
    return fits;
}

void public_key_digest(const struct public_key *key, struct digest *d)
{
    digest_bytes(d, key->byte, sizeof key->byte);
}

struct key_id key_id_of(const struct public_key *key)
{
    char hex[DIGEST_HEX + 1];
    struct key_id id = { 0 };
    struct digest d;

    public_key_digest(key, &d);
    memcpy(id.text, digest_hex(&d, hex), KEY_ID_HEX);
    return id;
}

bool key_id_parse(struct key_id *id, const char *text)
{
    unsigned char byte[KEY_ID_HEX / 2];

    if (!hex_parse(byte, sizeof byte, text))
        return false;
    memcpy(id->text, text, sizeof id->text);
    return true;
}

bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
    return memcmp(a->byte, b->byte, sizeof a->byte) == 0;
}

void public_key_write(const struct public_key *key, struct buf *to)
{
    buf_adds(to, key_word);
    hex_write(key->byte, sizeof key->byte, to);
}

bool public_key_parse(struct public_key *key, const char *text)
{
    size_t n = strlen(key_word);

    return strncmp(text, key_word, n) == 0 &&
           hex_parse(key->byte, sizeof key->byte, text + n);
}

void hex_write(const unsigned char *byte, size_t n, struct buf *to)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(to, "%02x", byte[i]);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_parse(unsigned char *byte, size_t n, const char *text)
{
    if (strlen(text) != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        byte[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
