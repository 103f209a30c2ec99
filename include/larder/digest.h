/*
 * digest - SHA-256 (FIPS 180-4), by libcrypto.
 */
#ifndef LARDER_DIGEST_H
#define LARDER_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"

enum { DIGEST_SIZE = 32, DIGEST_HEX = 64 };
/* What to read at once from a file that is hashed: up to the first at first, which is
 * enough for most; then as much as stays in the cache of a processor. */
enum { DIGEST_SMALL = 16 << 10, DIGEST_CHUNK = 128 << 10 };

struct digest {
    unsigned char byte[DIGEST_SIZE];
};

struct hasher; /* a SHA-256 under way */

struct hasher *hasher_new(void);
void hasher_add(struct hasher *h, const void *bytes, size_t n);
void hasher_finish(struct hasher *h, struct digest *d); /* h may then be used afresh */
void hasher_free(struct hasher *h);

void digest_bytes(struct digest *d, const void *bytes, size_t n);
/* The digest and the size of a regular file; size may be NULL. */
int digest_file(struct digest *d, long long *size, const char *path, struct error *err);

bool digest_equal(const struct digest *a, const struct digest *b);
int digest_compare(const struct digest *a, const struct digest *b); /* like memcmp */
/* Writes 64 lower-case hex digits and a NUL. Returns hex. */
char *digest_hex(const struct digest *d, char hex[DIGEST_HEX + 1]);
/* Reads exactly 64 hex digits, with or without "sha256:" in front; false if it is not. */
bool digest_parse(struct digest *d, const char *text);
/* Of 64 digits alone, none of them a capital, whatever follows. */
bool digest_parse_hex(struct digest *d, const char *text);

#endif
