/*
 * trace - what the processes of a step look at: files they open, run and look for.
 *
 * The kernel stops each of their system calls that names a file until a thread of ours
 * has seen it (seccomp's user notification); then the call goes on as it would have. So
 * threads, children, static executables and paths relative to any folder are all seen,
 * and a step cannot tell. It needs no privileges. What is in the step's own scratch
 * folder, /proc and /sys does not count.
 *
 *     trace_new(), child_start() with the trace (trace_enter() in the child), the child
 *     ends, trace_end(), trace_seen(), trace_free()
 */
#ifndef LARDER_TRACE_H
#define LARDER_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/fs.h"

struct trace;

/* Whether a step can be traced, as far as the kernel says. */
bool trace_is_possible(void);

enum trace_how {
    TRACE_READ = 1,
    TRACE_WRITE = 2, /* or made, removed, renamed */
    TRACE_RUN = 4,
    TRACE_LIST = 8,    /* a folder */
    TRACE_ABSENT = 16, /* looked for and not there */
    TRACE_STAT = 32,   /* asked for its type and size */
    TRACE_LINK = 64,   /* a link: asked where it leads */
};

struct trace_entry {
    const char *path;      /* absolute */
    unsigned how;          /* bits of enum trace_how */
    struct fs_state state; /* when it was first looked at; of a link to it, the file's */
    struct fs_state link;  /* of TRACE_LINK: the link's own */
};

enum { TRACE_READY = 0, TRACE_IMPOSSIBLE = 1 };
/* *t is new: trace_free(). root: the scratch folder, a real path. step: the folder in
 * which the step starts; what is looked for there and absent counts. refuse: sockets
 * of the internet are refused. TRACE_IMPOSSIBLE, with *t NULL, on a machine where steps
 * cannot be traced. */
int trace_new(struct trace **t, const char *root, const char *step, bool refuse,
              struct error *err);
void trace_free(struct trace *t); /* NULL is fine */

/* In the child: whether its calls are seen from here on. Only makes system calls. */
bool trace_enter(const struct trace *t);
/* In the parent, once the child has been started or could not be. */
void trace_started(struct trace *t);
/* The child has ended: nothing more is seen. */
void trace_end(struct trace *t);

/* The rest is for after trace_end(); borrowed until trace_free(). */
bool trace_worked(const struct trace *t);      /* at least its start was seen */
bool trace_is_cut(const struct trace *t);      /* it looked at more than can be kept */
const char *trace_step(const struct trace *t); /* the folder of trace_new() */
bool trace_network(const struct trace *t);     /* it asked for an internet socket */
size_t trace_runs(const struct trace *t);      /* how many programs it started */
const struct trace_entry *trace_seen(struct trace *t, size_t *n);

#endif
