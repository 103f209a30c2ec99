/*
 * follow - the state of a run, and what follows when a step is done, fails, or cannot be
 * run. Known to run.c and jobs.c.
 */
#ifndef LARDER_FOLLOW_H
#define LARDER_FOLLOW_H

#include "attempt.h"
#include "cluster.h"
#include "interrupt.h"
#include "later.h"
#include "queue.h"
#include "session.h"
#include "slots.h"
#include "stray.h"
#include "tell.h"
#include "temps.h"

/* On a network file system what another machine wrote may take a minute to be seen. */
struct awaited {
    struct cluster_end job;
    double until;
};
struct run {
    struct session *s;
    struct tell tell;
    struct slots slots;
    struct strays strays;
    struct temps temps;
    struct queue due;
    struct later later; /* due: another larder has the lease, or it is tried again */
    unsigned char (*tries)[N_CAUSES]; /* [n_steps]: how often each was tried again */
    struct queue reused; /* found done behind a step that was run; to be passed */
    struct attempt **active;
    size_t n_active, cap_active;
    struct cluster *cluster; /* steps are jobs of Slurm, or NULL */
    struct awaited *awaited; /* jobs that are done, and whose record is not seen yet */
    size_t n_awaited, cap_awaited;
    bool stopping;  /* start nothing more */
    bool contended; /* a step waits for a GPU that another larder has */
    bool news;      /* see run_totals */
    struct interrupts interrupts;
    int rc; /* of what nobody gets past, the story in *err */
    struct error *err;
};

/* w is due: it waits for its turn. */
void follow_due(struct run *r, struct work *w);
/* So do steps that were done, and whose outputs turn out to be needed. */
void follow_recalled(struct run *r);
/* w has its record: it, and what turns out not to need running, lets others go on. */
void follow_done(struct run *r, struct work *w);
/* w has failed. */
void follow_failed(struct run *r, struct work *w, const struct error *err);
/* An error that concerns one step, or everything. */
void follow_error(struct run *r, struct work *w, int rc, struct error *err);
/* w lacks what it would read or run on. */
void follow_lack(struct run *r, struct work *w);
/* Whether a step that failed for this cause will be tried again. */
bool follow_retry(struct run *r, struct work *w, enum cause cause,
                  const struct error *err);
/* Nothing can be done about this one: what runs may end, nothing more is started. */
void follow_give_up(struct run *r, int rc, const struct error *err);

#endif
