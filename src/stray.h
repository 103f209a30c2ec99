/*
 * stray - processes of steps that left their process group.
 *
 * Signals reach a step's group. A process that has made a group or session of its own
 * would go on when its step has ended. While we live, the kernel makes us the parent of
 * every process that lost its own among the descendants of steps, so none gets away: it
 * is ended with its step, which the scratch folder in its environment or behind its
 * standard output or error tells, else at the end of the run. Should we be killed, the
 * keeper does that: a process beside us, in a session of its own, that waits for our end
 * of a pipe to close. Out of its reach is only a process with another environment that
 * prints to somewhere else.
 */
#ifndef LARDER_STRAY_H
#define LARDER_STRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "larder/error.h"

struct stray_table;

struct strays { /* all-zero: not open */
    pid_t keeper;
    int line;                  /* to the keeper */
    struct stray_table *table; /* those that run: memory that the keeper sees too */
    bool left;                 /* something goes on that was not expected */
};

/* Call it before any thread is started. strays_close() in any case. */
int strays_open(struct strays *s, struct error *err);
/* A step runs as process pid in a scratch folder. */
void strays_expect(struct strays *s, pid_t pid, const char *folder);
/* It has ended and was waited for; so does now what it left. False when something goes on
 * that no running step is known to have started, or when that cannot be told. */
bool strays_end(struct strays *s, pid_t pid);
/* Ends all that is left. No step may run. */
void strays_close(struct strays *s);

#endif
