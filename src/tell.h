/*
 * tell - the lines by which a run is followed, on standard error.
 *
 *     28 of 40 steps reused
 *     [29/40] train@kind=S ran 41.2 s
 *     [30/40] train@kind=R failed: its exit status is 1
 *
 * On a terminal the foot (foot.h) tells what runs and how long it all goes on; elsewhere
 * a line a minute does. With --events all of it is told to programs too.
 */
#ifndef LARDER_TELL_H
#define LARDER_TELL_H

#include "eta.h"
#include "events.h"
#include "foot.h"
#include "larder/error.h"
#include "run.h"
#include "session.h"

struct tell {
    struct session *s;
    double started, next_beat; /* by the monotonic clock */
    size_t n_wanted, n_told, n_reused, n_failed;
    struct events events; /* of --events */
    struct foot foot;
    double heard;         /* when progress was told to --events */
    double drawn, looked; /* when the foot was, and when what is left was worked out */
    struct eta eta;       /* of a run with a foot */
    double left;          /* seconds */
    size_t unknown;       /* steps that `left` leaves out */
    bool *busy;           /* [n_steps]: already told that another larder is in its way */
    bool *met;            /* [n_steps]: another larder was in its way before */
    bool *told;           /* [n_steps]: counted in n_told */
};

void tell_init(struct tell *t, struct session *s);
void tell_release(struct tell *t);

void tell_reused(struct tell *t); /* all that are done before anything runs */
/* That make has a job server and did not pass it on. */
void tell_jobserver_away(struct tell *t);
void tell_started(struct tell *t, const struct work *w);
void tell_step_reused(struct tell *t, const struct work *w);
void tell_ran(struct tell *t, const struct work *w);
void tell_failed(struct tell *t, const struct work *w, const struct error *err);
/* Retry n of a step comes after a pause; *err tells what went wrong. */
void tell_retry(struct tell *t, const struct work *w, enum cause cause, int n,
                double pause, const struct error *err);
void tell_stopped(struct tell *t, const struct work *w);
/* That another larder is in its way; told once. */
void tell_busy(struct tell *t, const struct work *w, const char *what);
/* That another larder runs it, and where its log grows. It is told once, and when that is
 * not to be seen, as when the other has only begun, not the first time. */
void tell_waiting(struct tell *t, const struct work *w);
/* n signals to stop came before this one. */
void tell_stopping(struct tell *t, int n, size_t n_active);
/* What runs, for how long, how far. */
void tell_running(struct tell *t, const struct running *active, size_t n, double now);
/* The same in the foot, ten times a second at most, or else once a minute. n_queued: how
 * many wait for a node. */
void tell_tick(struct tell *t, const struct running *active, size_t n, size_t n_queued,
               int processors, double now);
/* We were stopped, and go on: the terminal is no longer as it was. */
void tell_continued(struct tell *t);
/* Takes the foot away. */
void tell_totals(struct tell *t, const struct run_totals *totals);

#endif
