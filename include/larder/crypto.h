/*
 * crypto - libcrypto, opened when something is hashed or signed.
 *
 * It takes half a millisecond to load, a third of what a run of a thousand steps takes in
 * which nothing is to be done; and such a run hashes nothing (docs/adr/0009). Whoever
 * includes this header calls libcrypto's functions by their own names, of those below.
 * SHA-256 is called without the layer of providers above it, which takes a millisecond
 * and a half to set up.
 */
#ifndef LARDER_CRYPTO_H
#define LARDER_CRYPTO_H

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

/* X(result, name, arguments): everything that is called. */
#define CRYPTO_CALLS(X)                                                                \
    X(int, SHA256_Init, (SHA256_CTX *))                                                \
    X(int, SHA256_Update, (SHA256_CTX *, const void *, size_t))                        \
    X(int, SHA256_Final, (unsigned char *, SHA256_CTX *))                              \
    X(const EVP_MD *, EVP_md5, (void))                                                 \
    X(EVP_MD_CTX *, EVP_MD_CTX_new, (void))                                            \
    X(void, EVP_MD_CTX_free, (EVP_MD_CTX *))                                           \
    X(int, EVP_DigestInit_ex, (EVP_MD_CTX *, const EVP_MD *, ENGINE *))                \
    X(int, EVP_DigestUpdate, (EVP_MD_CTX *, const void *, size_t))                     \
    X(int, EVP_DigestFinal_ex, (EVP_MD_CTX *, unsigned char *, unsigned *))            \
    X(EVP_PKEY *, EVP_PKEY_new_raw_private_key_ex,                                     \
      (OSSL_LIB_CTX *, const char *, const char *, const unsigned char *, size_t))     \
    X(EVP_PKEY *, EVP_PKEY_new_raw_public_key_ex,                                      \
      (OSSL_LIB_CTX *, const char *, const char *, const unsigned char *, size_t))     \
    X(int, EVP_PKEY_get_raw_public_key, (const EVP_PKEY *, unsigned char *, size_t *)) \
    X(void, EVP_PKEY_free, (EVP_PKEY *))                                               \
    X(int, EVP_DigestSignInit,                                                         \
      (EVP_MD_CTX *, EVP_PKEY_CTX **, const EVP_MD *, ENGINE *, EVP_PKEY *))           \
    X(int, EVP_DigestSign,                                                             \
      (EVP_MD_CTX *, unsigned char *, size_t *, const unsigned char *, size_t))        \
    X(int, EVP_DigestVerifyInit,                                                       \
      (EVP_MD_CTX *, EVP_PKEY_CTX **, const EVP_MD *, ENGINE *, EVP_PKEY *))           \
    X(int, EVP_DigestVerify,                                                           \
      (EVP_MD_CTX *, const unsigned char *, size_t, const unsigned char *, size_t))    \
    X(int, RAND_priv_bytes, (unsigned char *, int))

#define CRYPTO_FIELD(result, name, arguments) result(*call_##name) arguments;
struct crypto {
    CRYPTO_CALLS(CRYPTO_FIELD)
};
#undef CRYPTO_FIELD

/* Opens the library at the first call; without it nothing works, and the process ends. */
const struct crypto *crypto(void);

#define SHA256_Init crypto()->call_SHA256_Init
#define SHA256_Update crypto()->call_SHA256_Update
#define SHA256_Final crypto()->call_SHA256_Final
#define EVP_md5 crypto()->call_EVP_md5
#define EVP_MD_CTX_new crypto()->call_EVP_MD_CTX_new
#define EVP_MD_CTX_free crypto()->call_EVP_MD_CTX_free
#define EVP_DigestInit_ex crypto()->call_EVP_DigestInit_ex
#define EVP_DigestUpdate crypto()->call_EVP_DigestUpdate
#define EVP_DigestFinal_ex crypto()->call_EVP_DigestFinal_ex
#define EVP_PKEY_new_raw_private_key_ex crypto()->call_EVP_PKEY_new_raw_private_key_ex
#define EVP_PKEY_new_raw_public_key_ex crypto()->call_EVP_PKEY_new_raw_public_key_ex
#define EVP_PKEY_get_raw_public_key crypto()->call_EVP_PKEY_get_raw_public_key
#define EVP_PKEY_free crypto()->call_EVP_PKEY_free
#define EVP_DigestSignInit crypto()->call_EVP_DigestSignInit
#define EVP_DigestSign crypto()->call_EVP_DigestSign
#define EVP_DigestVerifyInit crypto()->call_EVP_DigestVerifyInit
#define EVP_DigestVerify crypto()->call_EVP_DigestVerify
#define RAND_priv_bytes crypto()->call_RAND_priv_bytes

#endif
