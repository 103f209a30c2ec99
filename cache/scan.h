/*
 * scan - reads the store's texts, one canonical form and no other.
 *
 * Each call reads one thing at the current place and says whether it was there. What the
 * matching writer would not have written is refused: leading zeros, upper-case hex,
 * needless escapes. After a refusal the place is undefined, the line number is right.
 */
#ifndef LARDER_SCAN_H
#define LARDER_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/digest.h"
#include "larder/mem.h"

struct scan {
    const char *at, *end; /* borrowed */
    int line;             /* from 1 */
};

void scan_start(struct scan *s, const char *text, size_t n);
bool scan_done(const struct scan *s);             /* nothing is left */
bool scan_text(struct scan *s, const char *text); /* exactly these characters */
bool scan_newline(struct scan *s);
/* 0 to the largest long long, in decimal, as printf writes it. */
bool scan_number(struct scan *s, long long *value);
/* A finite number that is not negative, as buf_add_double() writes it. */
bool scan_double(struct scan *s, double *value);
bool scan_digest(struct scan *s, struct digest *d); /* sha256:<64 hex> */
/* The rest of the line, not empty, as buf_add_escaped() writes it. The text, in arena
 * memory, or NULL. The newline is not read. */
const char *scan_escaped(struct scan *s, struct arena *arena);
/* n bytes as they are; NULL when there are fewer or one of them is NUL. */
const char *scan_bytes(struct scan *s, size_t n, struct arena *arena);

#endif
