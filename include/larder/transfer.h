/*
 * transfer - one file over HTTP or HTTPS, continued where it was broken off.
 *
 * libcurl is opened when the first transfer begins and not with the program: loading it
 * takes longer than a run in which nothing is due. A redirect leads to the same scheme or
 * to https, five at most in a row; proxies are those of the environment, names and
 * passwords those of ~/.netrc; certificates are always checked. The answers 408, 429 and
 * 5xx are tried again after a pause, and so is a connection that breaks; whoever cannot
 * be reached is not.
 */
#ifndef LARDER_TRANSFER_H
#define LARDER_TRANSFER_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/error.h"

enum { TRANSFER_DONE = 0, TRANSFER_REFUSED = 1, TRANSFER_WRONG = 2, TRANSFER_AWAY = 3 };

struct transfer {
    const char *url;  /* http: or https: */
    const char *path; /* of the file; what is in it already is continued. Beside it,
                         PATH.of keeps by what the server knows that content */
    long long size;   /* that the file must have, or -1 */
    bool blind;       /* continue also where nothing tells that the server still has the
                         same file: for those who know its digest */
    /* Called about once a second; total is -1 where it is not known. May be NULL. */
    void (*tell)(void *self, long long done, long long total);
    void *self;
    bool *joined;      /* set when what is there was continued: then the parts may be of
                          different files */
    struct buf *story; /* gets what became of it, unless that is TRANSFER_DONE */
};

/* TRANSFER_DONE, TRANSFER_AWAY when the server cannot be reached, breaks off, or says
 * that it cannot answer now, TRANSFER_REFUSED when it does not give the file,
 * TRANSFER_WRONG when that is not of that size, or an error when it cannot be written or
 * there is no libcurl. What came stays in the file in any case. */
int transfer_get(const struct transfer *t, struct error *err);

#endif
