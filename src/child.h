/*
 * child - the process of a running step.
 *
 * It has a process group of its own, standard output and error go to its log file, and it
 * inherits the lease of its key. It never outlives us: when this process is gone, killed
 * or not, the kernel kills the child (PDEATHSIG) and every process of its group that
 * still has the life line open. The life line is a pipe whose writing end only we have;
 * its reading end is owned by the group and reports its end with SIGKILL.
 */
#ifndef LARDER_CHILD_H
#define LARDER_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "larder/buf.h"
#include "larder/error.h"
#include "larder/lease.h"
#include "sandbox.h"
#include "trace.h"

enum { CHILD_PROGRESS = 3 }; /* the descriptor that the child writes progress to */

struct child_order {
    const char *path; /* of the executable: absolute, or relative to folder */
    char *const *argv;
    char *const *env;
    const char *folder; /* where it starts */
    const char *log;    /* file to make */
    const struct lease *lease;
    const int *jobs;     /* two descriptors that it inherits too, or NULL */
    struct fence *fence; /* or NULL */
    struct trace *trace; /* or NULL */
};

struct child {
    pid_t pid;        /* 0: none */
    int pidfd;        /* readable once the child has ended */
    int progress;     /* what the child writes to CHILD_PROGRESS; does not block */
    int progress_end; /* the other end: its closing by the child is no news */
    int life;
    double started; /* by the monotonic clock */
};

/* How it ended. */
struct child_end {
    int status; /* of wait() */
    double wall, cpu;
    long long rss;
};

double clock_now(void); /* seconds on the monotonic clock */

enum { CHILD_STARTED = 0, CHILD_REFUSED = 1 };
/* CHILD_REFUSED when the system has no room for it just now, with the story in *err;
 * E_STAGE when there is no such program; E_SYSTEM when the system refuses. */
int child_start(struct child *c, const struct child_order *order, struct error *err);
void child_signal(const struct child *c, int signal); /* to its whole group */
/* Waits for the end, then ends what is left of its group. */
int child_wait(struct child *c, struct child_end *end, struct error *err);

#endif
