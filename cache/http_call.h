/*
 * http_call - one request under way, on a connection that whoever asks drives.
 *
 *   struct call c = { .h = h, .q = &q, .a = &a, .err = err };
 *   call_lead(&c, q.url); call_begin(&c); let libcurl perform; call_end(&c, done);
 *   the last two again while that is CALL_MOVED;    call_release(&c);
 */
#ifndef CACHE_HTTP_CALL_H
#define CACHE_HTTP_CALL_H

#include <stdbool.h>

#include "http.h"
#include "libcurl.h"

enum { HTTP_REDIRECTS = 5 }; /* in a row */

struct http {
    const struct libcurl *lib;
    CURLM *multi; /* keeps the connections */
};

/* A request under way. */
struct call {
    struct http *h;
    CURL *curl; /* new for each: libcurl 7.88 follows a pointer of the answer before when
                   a handle is used again and headers begin with a blank */
    struct curl_slist *headers;
    const struct http_request *q;
    struct http_answer *a;
    struct buf url;   /* where it has led to by now */
    bool elsewhere;   /* another host than the one that was asked */
    struct buf held;  /* bytes for the sink: libcurl gives them in small pieces */
    long long taken;  /* bytes that the sink has, or held */
    long long skip;   /* bytes of this answer that come before what is wanted */
    long long starts; /* Content-Range of this answer, or -1 */
    bool only_part;   /* an answer that is more than the part is of no use */
    bool seen, begun; /* its code is known; it is what was asked for */
    size_t said;      /* bytes of an answer that is not */
    bool stalled;     /* it was given up, as nothing or too little came */
    int rc;           /* of the sink or body, the story in *err */
    struct error *err;
    char why[CURL_ERROR_SIZE];
};

/* What becomes of one, besides 0: there is an answer, and an error. */
enum { CALL_AGAIN = 10, CALL_MOVED = 11 };

void call_lead(struct call *c, const char *url);
/* Sets all that libcurl has to know; what was taken already is not asked for again. */
int call_begin(struct call *c); /* E_SYSTEM where libcurl can no more */
int call_end(struct call *c, CURLcode done);
void call_release(struct call *c);

/* E_REMOTE: what is wrong with the URL that was asked. */
int call_failed(const struct call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Whether a server says that it may answer another time. */
bool call_is_for_later(long code);

#endif
