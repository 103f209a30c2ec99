/*
 * helper - a program that keeps logins for docker, asked for one.
 *
 * docker-credential-NAME, in an absolute folder of PATH, is started as it is, without a
 * shell; it gets the name of a server, and prints JSON with a name and a secret. It has
 * half a minute for it; then it is ended with all of its process group. What it prints
 * may be a secret even where it fails, so none of that is in any error.
 */
#ifndef CACHE_HELPER_H
#define CACHE_HELPER_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/error.h"

enum { HELPER_LIMIT_MS = 30000 };

/* Who we are to a server; all-zero: nobody. */
struct credential {
    struct buf basic; /* base64 of "name:password", or empty */
    struct buf token; /* an identity token that others are had for, or empty */
};
void credential_release(struct credential *c); /* overwrites it first */

/* HELPER_FOUND, HELPER_NONE when it has no login for that server, or E_REMOTE with what
 * is wrong and what to do. c is empty before, and to be released. Each program is asked
 * once for each server by a process, which keeps what it said. */
enum { HELPER_FOUND = 0, HELPER_NONE = 1 };
int helper_find(const char *name, const char *server, struct credential *c,
                struct error *err);

/* The same, asked anew, with another limit. */
int helper_ask(const char *name, const char *server, int limit_ms, struct credential *c,
               struct error *err);
/* Reads what one prints: 0, or E_REMOTE when there is no login in it. */
int credential_read(const char *text, size_t n, struct credential *c, struct error *err);

#endif
