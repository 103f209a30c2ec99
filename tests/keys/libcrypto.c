/*
 * libcrypto - a stand-in for OpenSSL's on machines for which there is none here: SHA-256
 * by FIPS 180-4, so that keys and names can be computed. All else fails when it is
 * called.
 */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <string.h>

static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
};

static uint32_t turned(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void add_block(SHA_LONG h[8], const unsigned char *block)
{
    uint32_t w[64], a[8];

    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] +
               (turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10);
    for (int i = 0; i < 8; i++)
        a[i] = h[i];
    for (int i = 0; i < 64; i++) {
        uint32_t one = a[7] + (turned(a[4], 6) ^ turned(a[4], 11) ^ turned(a[4], 25)) +
                       ((a[4] & a[5]) ^ (~a[4] & a[6])) + k[i] + w[i];
        uint32_t two = (turned(a[0], 2) ^ turned(a[0], 13) ^ turned(a[0], 22)) +
                       ((a[0] & a[1]) ^ (a[0] & a[2]) ^ (a[1] & a[2]));

        memmove(a + 1, a, 7 * sizeof *a);
        a[4] += one;
        a[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        h[i] += a[i];
}

int SHA256_Init(SHA256_CTX *c)
{
    static const uint32_t start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

    memset(c, 0, sizeof *c);
    memcpy(c->h, start, sizeof start);
    return 1;
}

/* Nl and Nh: bits so far; num: bytes of a block that is not full. */
int SHA256_Update(SHA256_CTX *c, const void *bytes, size_t n)
{
    const unsigned char *s = bytes;
    uint64_t bits = ((uint64_t)c->Nh << 32 | c->Nl) + (uint64_t)n * 8;

    c->Nl = (SHA_LONG)bits;
    c->Nh = (SHA_LONG)(bits >> 32);
    for (; n > 0; n--) {
        ((unsigned char *)c->data)[c->num++] = *s++;
        if (c->num == 64) {
            add_block(c->h, (unsigned char *)c->data);
            c->num = 0;
        }
    }
    return 1;
}

int SHA256_Final(unsigned char *md, SHA256_CTX *c)
{
    static const unsigned char end[64] = { 0x80 };
    uint64_t bits = (uint64_t)c->Nh << 32 | c->Nl;
    unsigned char size[8];

    for (int i = 0; i < 8; i++)
        size[i] = (unsigned char)(bits >> (56 - 8 * i));
    SHA256_Update(c, end, (c->num < 56 ? 56 : 120) - c->num);
    SHA256_Update(c, size, sizeof size);
    for (int i = 0; i < 32; i++)
        md[i] = (unsigned char)(c->h[i / 4] >> (24 - 8 * (i % 4)));
    return 1;
}

/* ---- what is not here ----------------------------------------------------------------
 */

const EVP_MD *EVP_md5(void)
{
    return NULL;
}

EVP_MD_CTX *EVP_MD_CTX_new(void)
{
    return NULL;
}

void EVP_MD_CTX_free(EVP_MD_CTX *c)
{
    (void)c;
}

#define NOT_HERE(result, name, arguments) \
    result name arguments                 \
    {                                     \
        return 0;                         \
    }
#pragma GCC diagnostic ignored "-Wunused-parameter"
NOT_HERE(int, EVP_DigestInit_ex, (EVP_MD_CTX * c, const EVP_MD *m, ENGINE *e))
NOT_HERE(int, EVP_DigestUpdate, (EVP_MD_CTX * c, const void *s, size_t n))
NOT_HERE(int, EVP_DigestFinal_ex, (EVP_MD_CTX * c, unsigned char *s, unsigned *n))
NOT_HERE(EVP_PKEY *, EVP_PKEY_new_raw_private_key_ex,
         (OSSL_LIB_CTX * l, const char *t, const char *p, const unsigned char *s,
          size_t n))
NOT_HERE(EVP_PKEY *, EVP_PKEY_new_raw_public_key_ex,
         (OSSL_LIB_CTX * l, const char *t, const char *p, const unsigned char *s,
          size_t n))
NOT_HERE(int, EVP_PKEY_get_raw_public_key,
         (const EVP_PKEY *k, unsigned char *s, size_t *n))
void EVP_PKEY_free(EVP_PKEY *key)
{
    (void)key;
}
NOT_HERE(int, EVP_DigestSignInit,
         (EVP_MD_CTX * c, EVP_PKEY_CTX **p, const EVP_MD *m, ENGINE *e, EVP_PKEY *y))
NOT_HERE(int, EVP_DigestSign,
         (EVP_MD_CTX * c, unsigned char *s, size_t *n, const unsigned char *t, size_t m))
NOT_HERE(int, EVP_DigestVerifyInit,
         (EVP_MD_CTX * c, EVP_PKEY_CTX **p, const EVP_MD *m, ENGINE *e, EVP_PKEY *y))
NOT_HERE(int, EVP_DigestVerify,
         (EVP_MD_CTX * c, const unsigned char *s, size_t n, const unsigned char *t,
          size_t m))
NOT_HERE(int, RAND_priv_bytes, (unsigned char *s, int n))
