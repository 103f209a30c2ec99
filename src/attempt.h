/*
 * attempt - one step being run: lease, look-up, scratch folder, process, record.
 *
 * The lease of the key is held from before the second look-up until the record is
 * published, so two `larder` never run a step twice at once.
 */
#ifndef LARDER_ATTEMPT_H
#define LARDER_ATTEMPT_H

#include <stdbool.h>

#include "child.h"
#include "desk.h"
#include "guard.h"
#include "larder/buf.h"
#include "larder/error.h"
#include "larder/lease.h"
#include "larder/segments.h"
#include "session.h"
#include "slots.h"
#include "stray.h"
#include "work.h"

/* What we have asked the child for. */
enum ending { ENDING_NONE, ENDING_LATE, ENDING_SILENT };

struct attempt {
    struct session *session;
    struct work *work;
    struct lease *lease;
    struct desk desk;
    struct guard guard;
    struct child child;
    struct slots *slots;
    struct strays *strays;
    struct share share; /* of slots */
    enum ending ending;
    double ending_at; /* when it was asked to end */
    double heard;     /* its last sign of life */
    uint64_t log_size;
    bool puzzling;      /* it failed, and may do so for something that it was refused */
    enum cause cause;   /* of a failure that is not its own fault; else N_CAUSES */
    struct buf partial; /* a line of progress that is not whole yet */
    char *progress;     /* "12/30 epochs"; ours, or NULL */
    double part;        /* how much of it that is, 0 to 1 */
    bool moved;         /* there is progress that was not told yet */
    char **metric;      /* the last value of each that is expected, or NULL; ours */
    char *platform;     /* what it said its last bits depend on; ours, or NULL */
    struct segments segments;
    bool left_any; /* something goes on that it may have started */
};

enum {
    ATTEMPT_STARTED = 0,
    ATTEMPT_BUSY = 1,     /* another process runs this key: try later; *a is NULL */
    ATTEMPT_ANSWERED = 2, /* another process has just recorded it; *a is NULL */
    ATTEMPT_REFUSED = 3,  /* the system has no room just now: *err tells; *a is NULL */
};
/* All but the share is borrowed for as long as the attempt. */
struct attempt_order {
    struct session *session;
    struct work *work;
    struct slots *slots;
    struct share share; /* of slots */
    struct strays *strays;
};
/* *a is new: attempt_free(). E_STAGE when the step itself cannot be started. */
int attempt_start(struct attempt **a, const struct attempt_order *order,
                  struct error *err);

/* Reads what the child tells of its progress; notes are told when asked to be verbose. */
void attempt_listen(struct attempt *a);

/* Ends a child that is over its `time:` or its `silence:`: SIGTERM, ten seconds later
 * SIGKILL. */
void attempt_watch(struct attempt *a, double now);

enum { ATTEMPT_DONE = 0, ATTEMPT_STOPPED = 1 };
/* The child has ended. ATTEMPT_DONE: its outputs are in the store and recorded, and the
 * work has the record. ATTEMPT_STOPPED: we were stopping, and it did not get to its end.
 * E_STAGE: it failed; its log is an object of the store (work->failed_log), *err says how
 * it ended and a->cause whether that is its own fault. */
int attempt_finish(struct attempt *a, bool stopping, struct error *err);

/* The step has failed, with this log, an object of the store: `larder log` will find it.
 */
void attempt_remember_failure(struct session *s, struct work *w,
                              const struct digest *log);

/* Gives up lease and scratch folder. The child must have ended. NULL is fine. */
void attempt_free(struct attempt *a);

#endif
