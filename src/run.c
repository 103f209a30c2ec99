#include "run.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"
#include "larder/scratch.h"

#include "estimate.h"
#include "follow.h"
#include "jobs.h"
#include "lookup.h"
#include "need.h"

static const double busy_pause_s = 0.2, wake_s = 1, job_s = 0.3;
enum { SHOWN = 64 }; /* running steps that are told of */

static int begin(struct run *r);
static bool is_over(const struct run *r);
static bool goes_on(struct run *r);
static void start_due(struct run *r);
static void wait_for_news(struct run *r);
static void end(struct run *r, struct run_totals *t);

int run_steps(struct session *s, struct run_totals *t, struct error *err)
{
    struct run r = { .s = s, .err = err };

    r.rc = begin(&r);
    do {
        while (!is_over(&r)) {
            start_due(&r);
            wait_for_news(&r);
        }
    } while (goes_on(&r));
    end(&r, t);
    return r.rc;
}

/* The folders of steps, where they are wanted. Jobs make their own, on their nodes. */
static int find_room(struct run *r)
{
    struct buf root = { 0 };
    int rc = config_scratch(&r->s->config, &root, r->err);

    if (rc == 0 && root.len)
        rc = scratch_set_root(r->s->store, root.s, r->err);
    buf_release(&root);
    return rc;
}

/* The machine, once it is known that there is something to run on it. */
static int get_ready(struct run *r)
{
    struct session *s = r->s;
    int rc;

    slots_init(&r->slots, config_jobs(&s->config), config_gpus(&s->config),
               s->cli->jobs ? NULL : getenv("MAKEFLAGS"), s->store);
    if (r->slots.make.state == JOBSERVER_AWAY)
        tell_jobserver_away(&r->tell);
    rc = need_check(s, &r->slots, r->err);
    if (rc == 0)
        rc = interrupts_open(&r->interrupts, r->err);
    if (rc == 0)
        rc = strays_open(&r->strays, r->err);
    if (rc == 0 && config_is_slurm(&s->config) && !s->member && !s->again)
        rc = cluster_open(&r->cluster, s, r->err);
    else if (rc == 0)
        rc = find_room(r);
    r->tries = xcalloc(s->plan->n_steps + 1, sizeof *r->tries);
    return rc;
}

static bool is_all_done(const struct session *s)
{
    for (size_t i = 0; i < s->plan->n_steps; i++)
        if (s->work[i].wanted && s->work[i].state != WORK_DONE)
            return false;
    return true;
}

/* What killed runs have left, and what this one leaves when it is done. */
static int tidy_up(struct run *r)
{
    session_sweep(r->s);
    temps_open(&r->temps, r->s);
    return scratch_sweep(r->s->store, r->err);
}

/* A job runs its own step and no other. */
static int check_member(struct run *r)
{
    for (size_t i = 0; i < r->s->plan->n_steps; i++)
        if (!r->s->chosen[i] && r->s->work[i].wanted &&
            r->s->work[i].state != WORK_DONE && !r->s->work[i].recalled)
            return error_set(r->err, E_STAGE, "%s, which it needs, has no result here",
                             r->s->plan->step[i]->name);
    return 0;
}

static int begin(struct run *r)
{
    struct session *s = r->s;
    int rc;

    tell_init(&r->tell, s);
    facts_allow_fetch(s->facts, &s->say);
    rc = s->member ? 0 : tidy_up(r);
    if (rc == 0)
        rc = s->again ? 0 : lookup_all(s, true, r->err);
    if (rc == 0 && s->member)
        rc = check_member(r);
    if (rc == 0)
        rc = need_placed(s, r->err);
    if (rc == 0)
        tell_reused(&r->tell);
    if (rc < 0 || is_all_done(s))
        return rc;
    rc = get_ready(r);
    if (rc < 0)
        return rc;
    estimate_all(s);
    for (size_t i = 0; i < s->plan->n_steps; i++)
        if (s->work[i].wanted && s->work[i].state == WORK_DUE && !s->work[i].recalled)
            follow_due(r, &s->work[i]);
    follow_recalled(r);
    return 0;
}

static bool is_over(const struct run *r)
{
    if (r->n_active || r->n_awaited || (r->cluster && cluster_count(r->cluster)))
        return false;
    return r->rc < 0 || r->stopping || (!r->due.n && !r->later.n);
}

/* True when what was found done behind steps that ran has to be made after all, since it
 * is to be placed and is not here. */
static bool goes_on(struct run *r)
{
    if (r->rc < 0 || r->stopping || !r->tries)
        return false;
    r->rc = need_placed(r->s, r->err);
    follow_recalled(r);
    return r->rc == 0 && r->due.n;
}

/* Whether we run a step with the same key. */
static bool runs_here(const struct run *r, const struct work *w)
{
    for (size_t i = 0; i < r->n_active; i++)
        if (digest_equal(&r->active[i]->work->key, &w->key))
            return true;
    return false;
}

static void start_one(struct run *r, struct work *w, const struct share *share)
{
    struct attempt *a;
    struct error err;
    int rc = attempt_start(&a,
                           &(struct attempt_order){ .session = r->s,
                                                    .work = w,
                                                    .slots = &r->slots,
                                                    .share = *share,
                                                    .strays = &r->strays },
                           &err);

    if (rc == ATTEMPT_STARTED) {
        GROW(r->active, r->n_active + 1, r->cap_active);
        r->active[r->n_active++] = a;
        tell_started(&r->tell, w);
        return;
    }
    slots_give(&r->slots, share);
    if (rc == ATTEMPT_BUSY) {
        if (!runs_here(r, w))
            tell_waiting(&r->tell, w);
        later_add(&r->later, w, clock_now() + busy_pause_s);
    } else if (rc == ATTEMPT_ANSWERED) {
        tell_step_reused(&r->tell, w);
        follow_done(r, w);
    } else if (rc != ATTEMPT_REFUSED) {
        follow_error(r, w, rc, &err);
    } else if (!follow_retry(r, w, CAUSE_TRANSIENT, &err)) {
        follow_error(r, w, E_SYSTEM, &err);
    }
}

/* One that ran out of memory asks for twice as much the next time. */
static struct resources wanted(const struct run *r, const struct work *w)
{
    struct resources wanted = w->step->resources;

    for (int n = r->tries[w->step->index][CAUSE_OOM]; n > 0; n--)
        wanted.memory = wanted.memory && wanted.memory < r->slots.machine.memory
                            ? 2 * wanted.memory
                            : r->slots.machine.memory;
    return wanted;
}

static void set_aside(struct run *r, struct work *w, struct queue *aside)
{
    if (r->slots.contended)
        tell_busy(&r->tell, w, "waits for a GPU that another larder uses");
    r->contended |= r->slots.contended;
    queue_add(aside, w);
}

/* In order, but a step that does not fit now lets smaller ones go before it. */
static void start_due(struct run *r)
{
    struct queue aside = { 0 };
    struct work *w;

    if (r->cluster) {
        jobs_submit(r);
        return;
    }
    r->contended = r->slots.starved = false;
    while (!r->stopping && r->slots.free_cpu > 0 && !r->slots.starved &&
           (w = queue_take(&r->due)) != NULL) {
        struct resources resources;
        struct share share;

        if (w->state != WORK_DUE) /* it waits again for a step that was recalled */
            continue;
        if (w->lacks) {
            follow_lack(r, w);
            continue;
        }
        resources = wanted(r, w);
        if (slots_take(&r->slots, &resources, &share))
            start_one(r, w, &share);
        else
            set_aside(r, w, &aside);
    }
    while ((w = queue_take(&aside)) != NULL)
        queue_add(&r->due, w);
    queue_release(&aside);
}

static void remove_active(struct run *r, const struct attempt *a)
{
    size_t i = 0;

    while (r->active[i] != a)
        i++;
    r->n_active--;
    memmove(r->active + i, r->active + i + 1, (r->n_active - i) * sizeof *r->active);
}

/* A step that failed as if something was refused runs once more under a trace, so that
 * this can be named. */
static bool watch_again(struct run *r, const struct attempt *a)
{
    struct work *w = a->work;

    if (!a->puzzling || r->stopping)
        return false;
    w->watch = true;
    w->state = WORK_DUE;
    queue_add(&r->due, w);
    say_line(&r->s->say, SAY_VERBOSE, TONE_FAINT,
             "        %s fails: once more, to see what it looks at", w->step->name);
    return true;
}

/* A step that has failed may be run again, to be watched or for its cause. A job cannot
 * get more memory than it has: whoever submitted it must ask for more. */
static bool runs_again(struct run *r, struct attempt *a, const struct error *err)
{
    a->work->out_of_memory = a->cause == CAUSE_OOM;
    if (a->work->out_of_memory && r->s->member)
        return false;
    return watch_again(r, a) || follow_retry(r, a->work, a->cause, err);
}

static void finish(struct run *r, struct attempt *a)
{
    struct work *w = a->work;
    struct error err;
    int rc = attempt_finish(a, r->interrupts.n > 0, &err);

    slots_give(&r->slots, &a->share);
    remove_active(r, a);
    if (rc == ATTEMPT_DONE) {
        w->ran = true;
        work_settle(w, WORK_DONE);
    } else if (rc == ATTEMPT_STOPPED) {
        work_settle(w, WORK_SKIPPED);
        tell_stopped(&r->tell, w);
    } else if (rc != E_STAGE || !runs_again(r, a, &err)) {
        follow_error(r, w, rc, &err);
    }
    attempt_free(
        a); /* after the state is set: it says whether to keep the scratch folder */
    if (rc == ATTEMPT_DONE) {
        tell_ran(&r->tell, w);
        follow_done(r, w);
    }
}

static void signal_all(const struct run *r, int signal)
{
    if (r->cluster)
        cluster_signal(r->cluster, signal);
    for (size_t i = 0; i < r->n_active; i++)
        child_signal(&r->active[i]->child, signal);
}

/* What runs, here and on nodes. */
static size_t list_running(const struct run *r, struct running list[SHOWN])
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_active && n < SHOWN; i++) {
        struct attempt *a = r->active[i];

        list[n++] = (struct running){ a->work, a->child.started, a->progress, a->part,
                                      &a->moved };
    }
    return n + (r->cluster ? cluster_running(r->cluster, list + n, SHOWN - n) : 0);
}

/* Once: let them save their work. Twice: end. Three times: at once. */
static void take_signals(struct run *r)
{
    static const int answer[] = { SIGINT, SIGTERM, SIGKILL };
    int signal;

    while ((signal = interrupts_next(&r->interrupts)) != 0) {
        int n = r->interrupts.n < 3 ? r->interrupts.n - 1 : 2;

        if (signal == SIGUSR1) {
            struct running list[SHOWN];

            tell_running(&r->tell, list, list_running(r, list), clock_now());
            continue;
        }
        if (signal == SIGCONT) {
            tell_continued(&r->tell);
            continue;
        }
        tell_stopping(&r->tell, n,
                      r->n_active + (r->cluster ? cluster_count(r->cluster) : 0));
        signal_all(r, answer[n]);
        r->stopping = true;
    }
}

static void watch_clock(struct run *r)
{
    struct running list[SHOWN];
    double now = clock_now();
    size_t n;

    for (size_t i = 0; i < r->n_active; i++)
        attempt_watch(r->active[i], now);
    n = list_running(r, list);
    tell_tick(&r->tell, list, n, r->cluster ? cluster_queued(r->cluster) : 0,
              r->cluster && n > 0 ? (int)n : r->slots.cpu, now);
}

/* Milliseconds until something is to be done, even if nothing happens. */
static int patience(const struct run *r)
{
    double now = clock_now(),
           until = later_next(&r->later, now + (r->contended ? busy_pause_s
                                                : r->cluster ? job_s
                                                             : wake_s));

    return until > now ? (int)((until - now) * 1e3) + 1 : 0;
}

/* In the order in which they were started. */
static void take_news(struct run *r, const struct pollfd *fd, struct attempt *const *was,
                      size_t n)
{
    if (fd[0].revents)
        take_signals(r);
    for (size_t i = 0; i < n; i++)
        if (fd[1 + n + i].revents)
            attempt_listen(was[i]);
    for (size_t i = 0; i < n; i++)
        if (fd[1 + i].revents)
            finish(r, was[i]);
}

static void wait_for_news(struct run *r)
{
    size_t n = r->n_active;
    struct attempt **was;
    struct pollfd *fd;

    if (is_over(r))
        return;
    was = xcalloc(n + 1, sizeof *was);
    fd = xcalloc(2 * n + 2, sizeof *fd);
    fd[0] = (struct pollfd){ .fd = r->interrupts.fd, .events = POLLIN };
    fd[2 * n + 1] = (struct pollfd){ .fd = r->slots.starved ? r->slots.make.in : -1,
                                     .events = POLLIN };
    for (size_t i = 0; i < n; i++) {
        was[i] = r->active[i];
        fd[1 + i] = (struct pollfd){ .fd = was[i]->child.pidfd, .events = POLLIN };
        fd[1 + n + i] = (struct pollfd){ .fd = was[i]->child.progress, .events = POLLIN };
    }
    if (poll(fd, 2 * n + 2, patience(r)) > 0)
        take_news(r, fd, was, n);
    free(fd);
    free(was);
    jobs_look(r);
    watch_clock(r);
    later_take(&r->later, clock_now(), &r->due);
}

static void end(struct run *r, struct run_totals *t)
{
    struct session *s = r->s;

    cluster_close(r->cluster);
    free(r->awaited);
    strays_close(&r->strays); /* while no signal can end us yet */
    *t = (struct run_totals){ .signal = r->interrupts.first };
    for (size_t i = 0; i < s->plan->n_steps; i++) {
        struct work *w = &s->work[i];

        if (!w->wanted)
            continue;
        t->steps++;
        if (w->state == WORK_DONE && w->ran)
            t->ran++;
        else if (w->state == WORK_DONE && w->fetched)
            t->fetched++;
        else if (w->state == WORK_DONE)
            t->reused++;
        else if (w->state == WORK_FAILED)
            t->failed++;
        else
            t->skipped++;
        if (w->state == WORK_DONE)
            r->news |= lookup_remember(s, w);
        else if (w->state != WORK_FAILED)
            work_settle(w, WORK_SKIPPED);
    }
    t->news = r->news || t->failed || t->skipped;
    t->seconds = clock_now() - r->tell.started;
    if (r->rc == 0 && !t->signal)
        temps_sweep(&r->temps);
    if (r->rc == 0 || t->ran)
        tell_totals(&r->tell, t);
    interrupts_close(&r->interrupts);
    temps_close(&r->temps);
    queue_release(&r->due);
    queue_release(&r->reused);
    tell_release(&r->tell);
    slots_release(&r->slots);
    later_release(&r->later);
    free(r->tries);
    free(r->active);
}
