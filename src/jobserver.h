/*
 * jobserver - GNU make's way to share slots: a pipe, with one token in it for each slot.
 *
 * A client that make has started owns one slot. For each further one it takes a token,
 * and puts it back afterwards. MAKEFLAGS tells the descriptors of the pipe, which make
 * passes on only to commands marked with + or that mention $(MAKE); since make 4.4 it may
 * tell the name of a fifo instead.
 */
#ifndef LARDER_JOBSERVER_H
#define LARDER_JOBSERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/buf.h"
#include "larder/error.h"

enum jobserver_state {
    JOBSERVER_NONE, /* there is none */
    JOBSERVER_OPEN,
    JOBSERVER_AWAY, /* there is one, and make did not pass it on */
};

struct jobserver { /* all-zero: none */
    enum jobserver_state state;
    int jobs;    /* make's -j; 0: not told */
    int in, out; /* ours; reading does not block */
    char *token; /* those that we hold */
    size_t n, cap;
};

/* flags: MAKEFLAGS, or NULL. *j is new: jobserver_close(), which gives all back. */
void jobserver_open(struct jobserver *j, const char *flags);
void jobserver_close(struct jobserver *j);
bool jobserver_take(struct jobserver *j); /* one token; false: none is free now */
void jobserver_keep(struct jobserver *j, size_t n); /* gives back those beyond n */

/* A server for one child: a pipe with n tokens, both ends to be passed on to it. Its
 * MAKEFLAGS are appended. The ends are closed on exec, have numbers beyond those that a
 * script uses for its own, and are new: close() them. */
int jobserver_serve(int pipe[2], int n, struct buf *flags, struct error *err);

#endif
