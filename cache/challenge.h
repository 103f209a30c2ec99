/*
 * challenge - how a web server wants to be told who asks (RFC 9110 §11, RFC 6750).
 */
#ifndef CACHE_CHALLENGE_H
#define CACHE_CHALLENGE_H

#include <stdbool.h>

#include "larder/buf.h"

/* All-zero: nothing is wanted. */
struct challenge {
    bool basic;                /* a name and a password */
    bool bearer;               /* a token, that is had from: */
    struct buf realm;          /* the address of who gives tokens, */
    struct buf service, scope; /* what it is to be told; empty where nothing */
};

/* Reads all WWW-Authenticate lines of an answer's headers. c is to be released. */
void challenge_read(struct challenge *c, const char *headers);
void challenge_release(struct challenge *c);
/* Appends the URL that a token is had from. */
void challenge_token_url(const struct challenge *c, struct buf *to);
/* Appends what is sent to the realm to have one for an identity token. */
void challenge_token_form(const struct challenge *c, const char *identity,
                          struct buf *to);

#endif
