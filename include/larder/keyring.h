/*
 * keyring - our own private keys, a file each in a folder of the user's.
 *
 *   <folder>/<name>    "larder-private-key 1", then "seed" and 64 hex digits; mode 0600
 *
 * A file that others may read, or that is no such key, is refused: whoever has it can
 * sign in our name.
 */
#ifndef LARDER_KEYRING_H
#define LARDER_KEYRING_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/sign.h"

/* 1 to 64 letters, digits, `.`, `_` and `-`, the first no `.` or `-`. */
bool key_name_is_valid(const char *name);

/* Makes a new key. E_INPUT when there is one of that name. *s is new. */
int keyring_make(const char *folder, const char *name, struct signer **s,
                 struct error *err);

enum { KEYRING_FOUND = 0, KEYRING_EMPTY = 1 };
/* The key of that name, or, name NULL, the only one: E_USAGE when there are several.
 * *used (may be NULL) is its name, new. KEYRING_EMPTY only with name NULL. */
int keyring_open(const char *folder, const char *name, struct signer **s, char **used,
                 struct error *err);
/* The names, sorted, *names new: one block, free() it. None where there is no folder. */
int keyring_list(const char *folder, char ***names, size_t *n, struct error *err);

#endif
