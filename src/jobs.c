#include "jobs.h"

#include <stdlib.h>

#include "larder/banned.h"
#include "larder/mem.h"

#include "lookup.h"

static const double awaited_s = 90;

void jobs_submit(struct run *r)
{
    struct work *w;
    int rc;

    while (!r->stopping && (w = queue_take(&r->due)) != NULL) {
        struct resources resources = w->step->resources;

        if (w->state != WORK_DUE)
            continue;
        if (w->lacks) {
            follow_lack(r, w);
            continue;
        }
        for (int n = r->tries[w->step->index][CAUSE_OOM]; n > 0; n--)
            resources.memory *= 2;
        cluster_add(r->cluster, w, &resources);
        tell_started(&r->tell, w);
    }
    rc = r->stopping ? 0 : cluster_submit(r->cluster, r->err);
    if (rc < 0)
        follow_give_up(r, rc, r->err);
}

/* A job has left a record. */
static void take_job(struct run *r, const struct cluster_end *job)
{
    struct work *w = job->work;

    w->ran = job->end.ran || job->end.outcome != MEMBER_DONE;
    w->seconds = job->end.seconds;
    if (w->ran)
        tell_ran(&r->tell, w);
    else
        tell_step_reused(&r->tell, w);
    follow_done(r, w);
}

/* It has left none. */
static void miss_job(struct run *r, const struct cluster_end *job)
{
    struct work *w = job->work;
    const struct member_end *end = &job->end;
    struct error err;

    if (end->outcome == MEMBER_STOPPED) {
        work_settle(w, WORK_SKIPPED);
        tell_stopped(&r->tell, w);
        return;
    }
    error_set(&err, E_STAGE, "%s",
              end->outcome == MEMBER_DONE
                  ? "its job was done, and no record of it is in the cache: do the nodes "
                    "have the same LARDER_CACHE?"
                  : end->message);
    if (end->has_log)
        attempt_remember_failure(r->s, w, &end->log);
    if (!follow_retry(r, w, job->cause, &err))
        follow_failed(r, w, &err);
}

/* A job is over: what counts is whether there is a record. */
static void finish_job(struct run *r, const struct cluster_end *job, double until)
{
    struct work *w = job->work;
    struct error err;
    int rc;

    w->state = WORK_DUE;
    rc = lookup_again(r->s, w, &err);
    if (rc < 0) {
        follow_error(r, w, rc, &err);
    } else if (w->state == WORK_DONE) {
        take_job(r, job);
    } else if (job->end.outcome == MEMBER_DONE && clock_now() < until) {
        w->state = WORK_RUNNING;
        GROW(r->awaited, r->n_awaited + 1, r->cap_awaited);
        r->awaited[r->n_awaited++] = (struct awaited){ *job, until };
    } else {
        miss_job(r, job);
    }
}

void jobs_look(struct run *r)
{
    size_t n = r->n_awaited;
    struct awaited *again = n ? xcalloc(n, sizeof *again) : NULL;
    struct cluster_end job;
    struct error err;
    int rc;

    if (!r->cluster)
        return;
    for (size_t i = 0; i < n; i++)
        again[i] = r->awaited[i];
    r->n_awaited = 0;
    for (size_t i = 0; i < n; i++)
        finish_job(r, &again[i].job, again[i].until);
    free(again);
    rc = cluster_look(r->cluster, clock_now(), &err);
    if (rc < 0)
        follow_give_up(r, rc, &err);
    while (cluster_next(r->cluster, &job))
        finish_job(r, &job, clock_now() + awaited_s);
}
