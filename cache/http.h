/*
 * http - requests to web servers, over connections that stay open.
 *
 * A body that breaks off is asked for from there on. 408, 429 and 5xx but 501 are tried
 * again after a pause, half a minute at most; redirects lead to the same scheme or to
 * https, five at most in a row, and to another host without what proves who we are.
 * Proxies are those of the environment, and none to this machine; names and passwords
 * those of ~/.netrc; certificates are always checked.
 */
#ifndef CACHE_HTTP_H
#define CACHE_HTTP_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/error.h"
#include "remote.h"

struct http; /* of one thread */

int http_open(struct http **h, struct error *err); /* E_SYSTEM without libcurl */
void http_close(struct http *h);                   /* NULL is fine */

/* A key of an object store, with which requests are signed (AWS Signature Version 4). */
struct http_signer {
    const char *region;
    const char *id, *secret;
    const char *session; /* or NULL */
};

enum { HTTP_HEADERS_MAX = 8 };

struct http_request {
    const char *method;                   /* "GET", "HEAD", "PUT", "POST", ... */
    const char *url;                      /* http: or https: */
    const char *header[HTTP_HEADERS_MAX]; /* "Name: value"; the first NULL ends them */
    const struct remote_part *part;       /* of what is asked for: only these bytes */
    const struct remote_sink *to;         /* gets the body of a 2xx answer, or NULL */
    const struct remote_body *body;       /* or NULL */
    const struct http_signer
        *signer;               /* or NULL. Then a header has x-amz-content-sha256 */
    const char *authorization; /* the value of that header; "": none; NULL: what
                                  ~/.netrc has for the host */
    bool stays;                /* no redirect to another host: its body is a secret */
};

/* What a server has answered. */
struct http_answer {
    long code;         /* 2xx, 501, or 4xx but for 408 and 429 */
    long long size;    /* as its header says, or -1 */
    struct buf header; /* its lines */
    struct buf text;   /* the beginning of the body of another answer than 2xx */
};

/* 0 when there is an answer: all bytes have been taken or given then. E_REMOTE when the
 * server is away, breaks off again and again, or leads astray; or the error of the sink
 * or body. *a is new in any case. */
int http_send(struct http *h, const struct http_request *q, struct http_answer *a,
              struct error *err);
/* Some at once, over as many connections. 0 when all have an answer; else the error of
 * one of them, and others may have been answered. */
struct http_exchange {
    const struct http_request *q; /* without a sink */
    struct http_answer *a;        /* new in any case */
};
int http_send_many(struct http *h, const struct http_exchange *x, size_t n,
                   struct error *err);
void http_answer_release(struct http_answer *a);
/* The value of a header of the answer, in `to`; false where it has none. */
bool http_header(const struct http_answer *a, const char *name, struct buf *to);

/* E_REMOTE: what is wrong with a URL, "URL: HTTP 403" and what the server says of it. */
int http_refused(const struct http_request *q, const struct http_answer *a,
                 struct error *err);

/* What an answer comes to: REMOTE_DONE, REMOTE_ABSENT of 404 and 410, or the same. */
int http_judge(const struct http_request *q, const struct http_answer *a,
               struct error *err);

#endif
