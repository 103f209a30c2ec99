/*
 * token - the secret that clients of a server show: as `Authorization: Bearer TOKEN`, or
 * as the password of any user (Basic), which is what ~/.netrc can say.
 */
#ifndef LARDER_TOKEN_H
#define LARDER_TOKEN_H

#include <stdbool.h>

#include "larder/digest.h"
#include "larder/error.h"

/* Only its digest is kept: comparing takes the same time wherever two differ. */
struct token {
    struct digest digest;
};

/* From the first line of a file that nobody else may read (E_TRUST). E_INPUT for what is
 * too short or cannot stand in a header. */
int token_read(struct token *t, const char *path, struct error *err);
/* authorization: the value of the header, or NULL. */
bool token_admits(const struct token *t, const char *authorization);

#endif
