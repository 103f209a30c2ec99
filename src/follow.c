#include "follow.h"

#include <stdlib.h>

#include "larder/banned.h"
#include "larder/mem.h"

#include "lookup.h"
#include "reason.h"
#include "retry.h"

void follow_give_up(struct run *r, int rc, const struct error *err)
{
    if (r->rc == 0) {
        r->rc = rc;
        if (r->err && err != r->err)
            *r->err = *err;
    }
    r->stopping = true;
}

void follow_due(struct run *r, struct work *w)
{
    if (!w->reason)
        w->reason = reason_of(r->s, w);
    queue_add(&r->due, w);
}

void follow_recalled(struct run *r)
{
    struct work *w;

    while ((w = queue_take(&r->s->recalled)) != NULL)
        if (w->state == WORK_DUE)
            follow_due(r, w);
}

/* Looks up the steps that waited for w only, and on along those that need not run. */
static void look_behind(struct run *r, struct work *w)
{
    for (size_t i = 0; i < w->step->n_users && r->rc == 0; i++) {
        struct work *user = work_of(w, w->step->user[i]);
        struct error err;
        int rc;

        if (!user->wanted || user->n_waits || user->state != WORK_UNKNOWN)
            continue;
        rc = lookup_step(r->s, user, true, &err);
        if (rc < 0)
            follow_give_up(r, rc, &err);
        else if (user->state == WORK_DUE)
            follow_due(r, user);
        else if (user->state == WORK_DONE)
            queue_add(&r->reused, user);
    }
    follow_recalled(r);
}

/* What follows from a record. What w took may go only now that those behind it are known.
 */
static void learn(struct run *r, struct work *w)
{
    r->news |= lookup_remember(r->s, w);
    temps_made(&r->temps, w);
    look_behind(r, w);
    temps_taken(&r->temps, w);
}

void follow_done(struct run *r, struct work *w)
{
    learn(r, w);
    while ((w = queue_take(&r->reused)) != NULL) {
        tell_step_reused(&r->tell, w);
        learn(r, w);
    }
}

void follow_failed(struct run *r, struct work *w, const struct error *err)
{
    work_settle(w, WORK_FAILED);
    free(w->failure);
    w->failure = xstrdup(err->text);
    tell_failed(&r->tell, w, err);
    if (r->s->cli->keep_going)
        return;
    r->stopping = true;
    if (r->cluster)
        cluster_drop_queued(r->cluster);
}

void follow_error(struct run *r, struct work *w, int rc, struct error *err)
{
    if (rc == E_STAGE || rc == E_DEVICE ||
        ((rc == E_INPUT || rc == E_REMOTE) && r->s->cli->keep_going)) {
        follow_failed(r, w, err);
        return;
    }
    work_settle(w, WORK_SKIPPED);
    if (rc != E_INPUT && !w->lacks)
        error_context(err, "%s", w->step->name);
    follow_give_up(r, rc, err);
}

bool follow_retry(struct run *r, struct work *w, enum cause cause,
                  const struct error *err)
{
    unsigned char *n;
    double pause;

    if (cause == N_CAUSES || r->stopping)
        return false;
    n = &r->tries[w->step->index][cause];
    if (*n == w->step->retry[cause])
        return false;
    pause = retry_pause(++*n);
    w->state = WORK_DUE;
    tell_retry(&r->tell, w, cause, *n, pause, err);
    later_add(&r->later, w, clock_now() + pause);
    return true;
}

void follow_lack(struct run *r, struct work *w)
{
    struct error why = *w->lacks;

    if (r->s->cli->keep_going)
        follow_failed(r, w, &why);
    else
        follow_error(r, w, why.code, &why);
}
