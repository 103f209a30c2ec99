/*
 * serve - gives a remote to others over HTTP: an offer of our own store, or a folder that
 * is a remote, which may take files too (docs/serve.md).
 *
 * Each connection has a thread, so that a slow one keeps nobody waiting.
 */
#ifndef LARDER_SERVE_H
#define LARDER_SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/offer.h"

enum { SERVE_PORT = 5273 };

struct server;

struct serve_order {               /* all of it is borrowed until serve_stop() */
    const char *address;           /* "127.0.0.1:5273"; see listener.h */
    const char *folder;            /* what is served, unless it is an offer */
    const char *token;             /* a file, or NULL: everybody may ask */
    const char *certificate, *key; /* files (PEM), or NULL: no TLS */
    bool writable;                 /* the folder takes files */
    /* Told a line for each request that is over, by any thread; may be NULL. */
    void (*tell)(void *self, const char *line);
    void *self;
};

struct serve_totals {
    size_t n_given, n_taken, n_refused;
};

/* Reads what the order names and takes the address: who knocks waits. E_USAGE where files
 * would be taken of everybody who reaches this machine. *s is new: serve_close(). */
int serve_open(struct server **s, const struct serve_order *order, struct error *err);
/* Answers from now on. o: instead of a folder; borrowed. Block the signals that are not
 * for its threads before. */
int serve_start(struct server *s, const struct offer *o, struct error *err);
const char *serve_url(const struct server *s); /* "http://127.0.0.1:5273"; borrowed */
bool serve_is_local(const struct server *s);   /* only this machine reaches it */
/* Takes no more requests, and lets those that run end, for seconds at most. */
void serve_stop(struct server *s, int seconds, struct serve_totals *t);
void serve_close(struct server *s); /* NULL is fine */

#endif
