#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/mem.h"
#include "larder/scratch.h"

#include "attempt.h"
#include "estimate.h"
#include "lookup.h"
#include "queue.h"
#include "reason.h"
#include "slots.h"
#include "tell.h"

enum { BUSY_POLL_MS = 200, WAKE_MS = 1000, GRACE_S = 10 };

struct run {
    struct session *s;
    struct tell tell;
    struct slots slots;
    struct queue due;
    struct queue busy;   /* due, but another larder has the lease */
    struct queue reused; /* found done behind a step that was run; to be passed */
    struct attempt **active;
    size_t n_active, cap_active;
    bool stopping; /* start nothing more */
    bool news;     /* see run_totals */
    int n_signals; /* to stop, so far */
    int signal;    /* the first of them */
    int signals;   /* descriptor they arrive at */
    sigset_t mask; /* before the run */
    int rc;        /* of what nobody gets past, the story in *err */
    struct error *err;
};

static int begin(struct run *r);
static bool is_over(const struct run *r);
static void start_due(struct run *r);
static void wait_for_news(struct run *r);
static void end(struct run *r, struct run_totals *t);

int run_steps(struct session *s, struct run_totals *t, struct error *err)
{
    struct run r = { .s = s, .err = err, .signals = -1 };

    r.rc = begin(&r);
    while (!is_over(&r)) {
        start_due(&r);
        wait_for_news(&r);
    }
    end(&r, t);
    return r.rc;
}

/* Nothing can be done about this one: what runs may end, nothing more is started. */
static void give_up(struct run *r, int rc, const struct error *err)
{
    if (r->rc == 0) {
        r->rc = rc;
        if (r->err && err != r->err)
            *r->err = *err;
    }
    r->stopping = true;
}

static int locate_source(struct session *s, const struct source *source,
                         struct error *err)
{
    const struct located *at;

    return facts_locate(s->facts, source, &at, err);
}

/* What a step will read besides the outputs of others, and what it will run on, so that a
 * missing file is told before hours of work and not after. */
static int check_needs(struct session *s, const struct step *step, struct error *err)
{
    int rc = 0;

    if (step->resources.gpu_need > 0)
        return error_set(err, E_DEVICE,
                         "%s needs a GPU; GPUs are not supported by this version",
                         step->name);
    for (size_t i = 0; i < step->n_inputs; i++)
        for (size_t j = 0; j < step->input[i].n_items && rc == 0; j++)
            if (step->input[i].item[j].source)
                rc = locate_source(s, step->input[i].item[j].source, err);
    for (size_t i = 0; i < step->n_code && rc == 0; i++)
        rc = locate_source(s, step->code[i], err);
    return rc;
}

/* From here on a signal to stop is news like any other. */
static int catch_signals(struct run *r)
{
    sigset_t stop;

    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGHUP);
    sigprocmask(SIG_BLOCK, &stop, &r->mask);
    r->signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
    if (r->signals < 0) {
        error_system(r->err, "signalfd");
        sigprocmask(SIG_SETMASK, &r->mask, NULL);
        return E_SYSTEM;
    }
    return 0;
}

static void add_due(struct run *r, struct work *w)
{
    if (!w->reason)
        w->reason = reason_of(r->s, w);
    queue_add(&r->due, w);
}

/* Steps that were done, and whose outputs turn out to be needed. */
static void add_recalled(struct run *r)
{
    struct work *w;

    while ((w = queue_take(&r->s->recalled)) != NULL)
        if (w->state == WORK_DUE)
            add_due(r, w);
}

static int begin(struct run *r)
{
    struct session *s = r->s;
    int rc;

    tell_init(&r->tell, s);
    session_sweep(s);
    rc = scratch_sweep(s->store, r->err);
    if (rc == 0)
        rc = lookup_all(s, true, r->err);
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++)
        if (s->work[i].wanted && s->work[i].state != WORK_DONE)
            rc = check_needs(s, s->work[i].step, r->err);
    if (rc == 0)
        rc = catch_signals(r);
    if (rc < 0)
        return rc;
    slots_init(&r->slots, config_jobs(&s->config));
    tell_reused(&r->tell);
    estimate_all(s);
    for (size_t i = 0; i < s->plan->n_steps; i++)
        if (s->work[i].state == WORK_DUE && !s->work[i].recalled)
            add_due(r, &s->work[i]);
    add_recalled(r);
    return 0;
}

static bool is_over(const struct run *r)
{
    if (r->n_active)
        return false;
    return r->rc < 0 || r->stopping || (!r->due.n && !r->busy.n);
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
            give_up(r, rc, &err);
        else if (user->state == WORK_DUE)
            add_due(r, user);
        else if (user->state == WORK_DONE)
            queue_add(&r->reused, user);
    }
    add_recalled(r);
}

/* w has its record: it, and what turns out not to need running, lets others go on. */
static void pass(struct run *r, struct work *w)
{
    r->news |= lookup_remember(r->s, w);
    look_behind(r, w);
    while ((w = queue_take(&r->reused)) != NULL) {
        tell_step_reused(&r->tell, w);
        r->news |= lookup_remember(r->s, w);
        look_behind(r, w);
    }
}

static void fail(struct run *r, struct work *w, const struct error *err)
{
    work_settle(w, WORK_FAILED);
    tell_failed(&r->tell, w, err);
    if (!r->s->cli->keep_going)
        r->stopping = true;
}

/* An error that concerns one step, or everything. */
static void take_error(struct run *r, struct work *w, int rc, struct error *err)
{
    if (rc == E_STAGE || rc == E_DEVICE) {
        fail(r, w, err);
        return;
    }
    work_settle(w, WORK_SKIPPED);
    if (rc != E_INPUT)
        error_context(err, "%s", w->step->name);
    give_up(r, rc, err);
}

static void start_one(struct run *r, struct work *w, struct share share)
{
    struct attempt *a;
    struct error err;
    int rc = attempt_start(&a, r->s, w, share.cpu, &err);

    if (rc == ATTEMPT_STARTED) {
        GROW(r->active, r->n_active + 1, r->cap_active);
        r->active[r->n_active++] = a;
        tell_started(&r->tell, w);
        return;
    }
    slots_give(&r->slots, share);
    if (rc == ATTEMPT_BUSY) {
        tell_busy(&r->tell, w);
        queue_add(&r->busy, w);
    } else if (rc == ATTEMPT_ANSWERED) {
        tell_step_reused(&r->tell, w);
        pass(r, w);
    } else {
        take_error(r, w, rc, &err);
    }
}

/* In order, but a step that does not fit now lets smaller ones go before it. */
static void start_due(struct run *r)
{
    struct queue aside = { 0 };
    struct work *w;

    while (!r->stopping && r->slots.free_cpu > 0 && (w = queue_take(&r->due)) != NULL) {
        struct share share = slots_share(&r->slots, &w->step->resources);

        if (w->state != WORK_DUE) /* it waits again for a step that was recalled */
            continue;
        if (slots_take(&r->slots, share))
            start_one(r, w, share);
        else
            queue_add(&aside, w);
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

static void finish(struct run *r, struct attempt *a)
{
    struct work *w = a->work;
    struct error err;
    int rc = attempt_finish(a, r->n_signals > 0, &err);

    if (rc == ATTEMPT_AGAIN)
        return;
    slots_give(&r->slots, slots_share(&r->slots, &w->step->resources));
    remove_active(r, a);
    if (rc == ATTEMPT_DONE) {
        w->ran = true;
        work_settle(w, WORK_DONE);
    } else if (rc == ATTEMPT_STOPPED) {
        work_settle(w, WORK_SKIPPED);
        tell_stopped(&r->tell, w);
    } else {
        take_error(r, w, rc, &err);
    }
    attempt_free(
        a); /* after the state is set: it says whether to keep the scratch folder */
    if (rc == ATTEMPT_DONE) {
        tell_ran(&r->tell, w);
        pass(r, w);
    }
}

static void signal_all(const struct run *r, int signal)
{
    for (size_t i = 0; i < r->n_active; i++)
        child_signal(&r->active[i]->child, signal);
}

/* Once: let them save their work. Twice: end. Three times: at once. */
static void take_signals(struct run *r)
{
    static const int answer[] = { SIGINT, SIGTERM, SIGKILL };
    struct signalfd_siginfo info;

    while (read(r->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        int n = r->n_signals < 2 ? r->n_signals : 2;

        if (!r->signal)
            r->signal = (int)info.ssi_signo;
        tell_stopping(&r->tell, n, r->n_active);
        signal_all(r, answer[n]);
        r->n_signals++;
        r->stopping = true;
    }
}

/* `time:` of a step: it is asked to end, and ended ten seconds later. */
static void watch_clock(struct run *r)
{
    double now = clock_now();

    for (size_t i = 0; i < r->n_active; i++) {
        struct attempt *a = r->active[i];
        double limit = a->work->step->resources.time, used = now - a->child.started;

        if (limit <= 0 || used <= limit)
            continue;
        if (!a->late)
            child_signal(&a->child, SIGTERM);
        else if (used > limit + GRACE_S)
            child_signal(&a->child, SIGKILL);
        a->late = true;
    }
    tell_heartbeat(&r->tell, r->active, r->n_active, now);
}

/* Those that another larder was running: it may be done, or gone. */
static void retry_busy(struct run *r)
{
    struct work *w;

    while ((w = queue_take(&r->busy)) != NULL)
        queue_add(&r->due, w);
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
    fd = xcalloc(2 * n + 1, sizeof *fd);
    fd[0] = (struct pollfd){ .fd = r->signals, .events = POLLIN };
    for (size_t i = 0; i < n; i++) {
        was[i] = r->active[i];
        fd[1 + i] = (struct pollfd){ .fd = was[i]->child.pidfd, .events = POLLIN };
        fd[1 + n + i] = (struct pollfd){ .fd = was[i]->child.progress, .events = POLLIN };
    }
    if (poll(fd, 2 * n + 1, r->busy.n ? BUSY_POLL_MS : WAKE_MS) > 0)
        take_news(r, fd, was, n);
    free(fd);
    free(was);
    watch_clock(r);
    retry_busy(r);
}

static void end(struct run *r, struct run_totals *t)
{
    struct session *s = r->s;

    *t = (struct run_totals){ .signal = r->signal };
    for (size_t i = 0; i < s->plan->n_steps; i++) {
        struct work *w = &s->work[i];

        if (!w->wanted)
            continue;
        t->steps++;
        if (w->state == WORK_DONE && w->ran)
            t->ran++;
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
    if (r->rc == 0 || t->ran)
        tell_totals(&r->tell, t);
    if (r->signals >= 0) {
        close(r->signals);
        sigprocmask(SIG_SETMASK, &r->mask, NULL);
    }
    queue_release(&r->due);
    queue_release(&r->busy);
    queue_release(&r->reused);
    tell_release(&r->tell);
    free(r->active);
}
