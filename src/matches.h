/*
 * matches - the files of the user's that a pattern names.
 *
 * `*` stands for any characters and `?` for one, but for / and for a dot at the front of
 * a name; there are no other signs. A pattern that ends in / names folders, any other one
 * what is no folder.
 */
#ifndef LARDER_MATCHES_H
#define LARDER_MATCHES_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/digest.h"
#include "larder/mem.h"

bool matches_is_pattern(const char *path);

struct matches {
    const char **path; /* relative to the folder, in the order of their bytes */
    size_t n;
};

/* The pattern is relative to the folder, and may begin with ./; what is found begins
 * with ./ too. What cannot be looked at is not found. */
void matches_find(struct matches *m, const char *folder, const char *pattern,
                  struct arena *arena);
/* Of their paths. */
void matches_digest(const struct matches *m, struct digest *d);

#endif
