/*
 * sign - who says so: Ed25519 signatures (RFC 8032), by libcrypto.
 *
 * What is signed is never the bytes alone but "DSSEv1", the length and name of their
 * type, their length, and they themselves (docs/remote.md), so that a signature of one
 * kind of thing is none of another.
 */
#ifndef LARDER_SIGN_H
#define LARDER_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"

enum { PUBLIC_KEY_SIZE = 32, SIGNATURE_SIZE = 64, SEED_SIZE = 32, KEY_ID_HEX = 16 };

struct public_key {
    unsigned char byte[PUBLIC_KEY_SIZE];
};

struct signature {
    unsigned char byte[SIGNATURE_SIZE];
};

/* The short name of a public key: the first 16 hex digits of its SHA-256. It names a key
 * and proves nothing. */
struct key_id {
    char text[KEY_ID_HEX + 1];
};

struct signer; /* a private key */

/* The key pair of a seed. *s is new: signer_free(), which wipes it. */
int signer_new(struct signer **s, const unsigned char seed[SEED_SIZE], struct error *err);
void signer_free(struct signer *s);                          /* NULL is fine */
const struct public_key *signer_key(const struct signer *s); /* borrowed from s */

int sign_bytes(const struct signer *s, const char *type, const void *bytes, size_t n,
               struct signature *sig, struct error *err);
bool signature_fits(const struct signature *sig, const struct public_key *key,
                    const char *type, const void *bytes, size_t n);

struct key_id key_id_of(const struct public_key *key);
/* True when text is 16 lower-case hex digits; they are then in *id. */
bool key_id_parse(struct key_id *id, const char *text);
bool public_key_equal(const struct public_key *a, const struct public_key *b);
/* Its SHA-256, for people to compare. */
void public_key_digest(const struct public_key *key, struct digest *d);

/* "ed25519:" and 64 lower-case hex digits; appended, or read from exactly that. */
void public_key_write(const struct public_key *key, struct buf *to);
bool public_key_parse(struct public_key *key, const char *text);

/* Two lower-case hex digits a byte. */
void hex_write(const unsigned char *byte, size_t n, struct buf *to);
/* Reads n bytes from exactly 2 n such digits. */
bool hex_parse(unsigned char *byte, size_t n, const char *text);

#endif
