/*
 * aws - where an object store is and with what key it is asked, found as Amazon's own
 * programs find it: the variables AWS_…, and the files ~/.aws/credentials and
 * ~/.aws/config.
 */
#ifndef CACHE_AWS_H
#define CACHE_AWS_H

#include <stdbool.h>

#include "http.h"
#include "larder/error.h"

struct aws {
    char *bucket, *prefix; /* prefix: "" or "some/folder/" */
    char *endpoint;        /* "https://minio.lab:9000", or NULL: Amazon's */
    char *region;
    char *id, *secret, *session; /* id NULL: nobody in particular */
};

/* place: "//bucket/some/folder?endpoint=https://minio.lab:9000&region=r&profile=p", where
 * all behind the bucket may be left out. E_REMOTE when it is none, or when a file cannot
 * be read. *a is new in any case: aws_release(). */
int aws_find(struct aws *a, const char *place, struct error *err);
void aws_release(struct aws *a);

/* The URL of the bucket, with a slash at its end. */
void aws_url(const struct aws *a, struct buf *to);
/* False when requests are not signed. *s borrows of a. */
bool aws_signer(const struct aws *a, struct http_signer *s);

#endif
