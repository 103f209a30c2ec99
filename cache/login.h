/*
 * login - who we are to a registry: nobody, until it asks.
 *
 * It may want a name and a password, or a token that is had for them from an address that
 * it names. They are taken from the files that `docker login` and `podman login` write,
 * else from ~/.netrc. A program that such a file names to keep them elsewhere is not run.
 */
#ifndef CACHE_LOGIN_H
#define CACHE_LOGIN_H

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

/* The login for host/repository in the text of such a file, base64 of "name:password" as
 * it stands there, appended. *helper: it is with a program, whose name is appended. False
 * where it has none; E_REMOTE when it cannot be read. */
int login_find(const char *text, size_t n, const char *host, const char *repository,
               struct buf *to, bool *helper, struct error *err);

#endif
