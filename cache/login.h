/*
 * login - who we are to a registry: nobody, until it asks.
 *
 * It may want a name and a password, or a token that is had for them, or for an identity
 * token, from an address that it names. They are taken from the files that `docker login`
 * and `podman login` write: from the program that such a file names to keep them
 * (helper.h) before the file itself; else from ~/.netrc.
 */
#ifndef CACHE_LOGIN_H
#define CACHE_LOGIN_H

#include "helper.h"
#include "http.h"
#include "larder/buf.h"
#include "larder/error.h"
#include "oci.h"

struct login;

/* place is borrowed. New: login_free(). */
struct login *login_new(const struct oci_place *place);
void login_free(struct login *l); /* NULL is fine */

/* http_send(), as whom the server wants us to be; q->authorization is ours. An answer
 * with 401 is an error that says what is missing. */
int login_send(struct login *l, struct http *h, struct http_request *q,
               struct http_answer *a, struct error *err);

/* What such a file has for one place; all-zero: nothing. */
struct login_found {
    struct buf helper;     /* the name of the program that is asked first, or empty */
    struct credential own; /* basic as it stands there */
};
void login_found_release(struct login_found *f);

/* Looks into the text of one for host/repository. E_REMOTE when it cannot be read. to is
 * empty before, and to be released. */
int login_find(const char *text, size_t n, const char *host, const char *repository,
               struct login_found *to, struct error *err);

#endif
