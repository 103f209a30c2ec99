/*
 * s3 - requests to an object store: signed where there is a key (aws.h).
 */
#ifndef CACHE_S3_H
#define CACHE_S3_H

#include <stdbool.h>

#include "aws.h"
#include "body.h"
#include "http.h"
#include "larder/digest.h"
#include "remote.h"

struct s3 {
    struct remote remote;
    struct http *http;
    struct aws aws;
    char *root;         /* the URL of the bucket; files are below the prefix there */
    bool no_conditions; /* it does not know If-None-Match */
};

/* A request, and what the store says. */
struct s3_ask {
    struct http_request q;
    struct http_signer signer;
    struct http_answer a;
    struct buf url, hash;
    struct sink_text text; /* of a 2xx answer, where it is wanted */
    struct remote_sink sink;
};

/* *k is new: s3_ask_release(). name: of a file, or NULL: the bucket itself. query: sorted
 * and with a `=` in each part, since it is signed as it stands, or "". */
void s3_ask(struct s3_ask *k, struct s3 *s, const char *method, const char *name,
            const char *query);
void s3_ask_release(struct s3_ask *k);
void s3_add_header(struct s3_ask *k, const char *line); /* borrowed */
/* The body of a 2xx answer comes into k->text. */
void s3_want_text(struct s3_ask *k);
/* 0 when there is an answer. hash: of the bytes of the body; NULL: there are none. */
int s3_send(struct s3_ask *k, struct s3 *s, const struct digest *hash, struct error *err);

/* Some of them at once; hash[i]: of the body of k[i]. */
int s3_send_many(struct s3_ask *k, size_t n, struct s3 *s, const struct digest *hash,
                 struct error *err);

bool s3_is_done(const struct s3_ask *k);
/* The answer says that it does not know If-None-Match, which is left out from now on. */
bool s3_knows_no_conditions(const struct s3_ask *k, struct s3 *s);
/* What another answer to a file, or to the end of its parts, comes to: REMOTE_THERE, or
 * REMOTE_ABSENT when it is to be tried again, or E_REMOTE. */
int s3_judge_put(const struct s3_ask *k, const struct s3 *s, struct error *err);
/* E_REMOTE: what the store says, and what may help. */
int s3_refused(const struct s3_ask *k, const struct s3 *s, struct error *err);

/* A large file, in parts that are seen as one when all are there; as remote_kind.put.
 * Parts of an upload that was cut short are used again, where their MD5 is that of ours.
 */
int s3_put_parts(struct s3 *s, const char *name, const struct remote_body *body,
                 enum remote_put how, struct error *err);

#endif
