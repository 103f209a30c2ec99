#include "tell.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/holder.h"

#include "retry.h"
#include "steplog.h"

enum { TAIL_LINES = 20, BEAT_S = 60 };

void tell_init(struct tell *t, struct session *s)
{
    *t = (struct tell){ .s = s, .started = clock_now() };
    t->next_beat = t->started + BEAT_S;
    t->busy = xcalloc(s->plan->n_steps + 1, sizeof *t->busy);
    t->met = xcalloc(s->plan->n_steps + 1, sizeof *t->met);
    for (size_t i = 0; i < s->plan->n_steps; i++)
        t->n_wanted += s->wanted[i];
}

void tell_release(struct tell *t)
{
    free(t->busy);
    free(t->met);
}

/* "[ 3/40] NAME " */
static void start_line(struct tell *t, const struct work *w, struct buf *line)
{
    int digits = snprintf(NULL, 0, "%zu", t->n_wanted);

    t->n_told++;
    buf_printf(line, "[%*zu/%zu] %s ", digits, t->n_told, t->n_wanted, w->step->name);
}

static void end_line(struct tell *t, struct buf *line, enum say_level level,
                     enum say_tone tone)
{
    say_line(&t->s->say, level, tone, "%s", buf_str(line));
    buf_release(line);
}

void tell_step_reused(struct tell *t, const struct work *w)
{
    struct buf line = { 0 };

    if (t->s->say.level < SAY_VERBOSE) {
        t->n_told++;
        return;
    }
    start_line(t, w, &line);
    buf_adds(&line, w->fetched ? "fetched" : "reused");
    end_line(t, &line, SAY_VERBOSE, TONE_FAINT);
}

void tell_reused(struct tell *t)
{
    size_t n_fetched = 0;

    for (size_t i = 0; i < t->s->plan->n_steps; i++) {
        const struct work *w = &t->s->work[i];

        if (!w->wanted || w->state != WORK_DONE)
            continue;
        tell_step_reused(t, w);
        n_fetched += w->fetched;
    }
    if (t->n_told && t->n_told < t->n_wanted)
        say_line(&t->s->say, SAY_NORMAL, TONE_PLAIN, "%zu of %zu steps reused%s",
                 t->n_told, t->n_wanted, n_fetched ? " or fetched" : "");
}

void tell_jobserver_away(struct tell *t)
{
    say_line(&t->s->say, SAY_NORMAL, TONE_PLAIN,
             "make does not pass its job server on, so steps run one at a time: put + "
             "before the command in the makefile, or give larder -j");
}

void tell_started(struct tell *t, const struct work *w)
{
    say_line(&t->s->say, SAY_VERBOSE, TONE_FAINT, "        %s starts: %s", w->step->name,
             w->reason);
}

/* What the step was refused, line by line. */
static void tell_advice(struct tell *t, const struct work *w)
{
    for (const char *p = w->advice ? w->advice : ""; *p;) {
        size_t n = strcspn(p, "\n");

        say_line(&t->s->say, SAY_QUIET, TONE_PLAIN, "%.*s", (int)n, p);
        p += n + (p[n] == '\n');
    }
}

void tell_ran(struct tell *t, const struct work *w)
{
    struct buf line = { 0 };

    start_line(t, w, &line);
    buf_adds(&line, "ran ");
    say_seconds(w->seconds, &line);
    end_line(t, &line, SAY_NORMAL, TONE_GOOD);
    tell_advice(t, w);
}

static void tell_tail(struct tell *t, const struct work *w)
{
    struct buf log = { 0 };
    const char *p;

    if (!w->has_failed_log ||
        steplog_read(t->s->store, &w->failed_log, &log, NULL) != STEPLOG_FOUND)
        goto out;
    for (p = steplog_tail(buf_str(&log), TAIL_LINES); *p;) {
        size_t n = strcspn(p, "\n");

        say_line(&t->s->say, SAY_QUIET, TONE_PLAIN, "    %.*s", (int)n, p);
        p += n + (p[n] == '\n');
    }
out:
    buf_release(&log);
}

void tell_failed(struct tell *t, const struct work *w, const struct error *err)
{
    struct buf line = { 0 };

    start_line(t, w, &line);
    buf_printf(&line, "failed: %s", err->text);
    end_line(t, &line, SAY_QUIET, TONE_BAD);
    tell_tail(t, w);
    tell_advice(t, w);
}

void tell_retry(struct tell *t, const struct work *w, enum cause cause, int n,
                double pause, const struct error *err)
{
    struct buf line = { 0 };

    buf_printf(&line, "%s: %s; retry %d of %d (%s) in ", w->step->name, err->text, n,
               w->step->retry[cause], retry_cause(cause));
    say_seconds(pause, &line);
    end_line(t, &line, SAY_NORMAL, TONE_PLAIN);
}

void tell_stopped(struct tell *t, const struct work *w)
{
    say_line(&t->s->say, SAY_NORMAL, TONE_PLAIN, "%s was stopped", w->step->name);
}

void tell_busy(struct tell *t, const struct work *w, const char *what)
{
    if (!t->busy[w->step->index])
        say_line(&t->s->say, SAY_NORMAL, TONE_PLAIN, "%s %s", w->step->name, what);
    t->busy[w->step->index] = true;
}

void tell_waiting(struct tell *t, const struct work *w)
{
    const char *what = "is being run by another larder: waiting for it";
    size_t i = w->step->index;
    struct buf log = { 0 };

    if (t->busy[i])
        return;
    if (holder_scratch(t->s->store, &w->key, &log)) {
        say_line(&t->s->say, SAY_NORMAL, TONE_PLAIN,
                 "%s %s; what it prints: tail -f %s/log", w->step->name, what, log.s);
        t->busy[i] = true;
    } else if (t->met[i]) {
        tell_busy(t, w, what);
    }
    t->met[i] = true;
    buf_release(&log);
}

void tell_stopping(struct tell *t, int n, size_t n_active)
{
    static const char *const next[] = { "again to end them", "again to kill them" };

    if (n < 2)
        say_line(&t->s->say, SAY_NORMAL, TONE_PLAIN,
                 "stopping: waiting for %zu running step%s (%s)", n_active,
                 n_active == 1 ? "" : "s", next[n]);
}

void tell_running(struct tell *t, struct attempt *const *active, size_t n, double now)
{
    for (size_t i = 0; i < n; i++) {
        struct buf line = { 0 };
        double so_far = now - active[i]->child.started;

        buf_printf(&line, "        %s runs for ", active[i]->work->step->name);
        say_seconds(so_far, &line);
        if (active[i]->work->expected > so_far) {
            buf_adds(&line, " of about ");
            say_seconds(active[i]->work->expected, &line);
        }
        if (active[i]->progress)
            buf_printf(&line, ", %s", active[i]->progress);
        end_line(t, &line, SAY_NORMAL, TONE_FAINT);
    }
}

void tell_heartbeat(struct tell *t, struct attempt *const *active, size_t n, double now)
{
    if (now < t->next_beat)
        return;
    t->next_beat = now + BEAT_S;
    tell_running(t, active, n, now);
}

void tell_totals(struct tell *t, const struct run_totals *totals)
{
    struct buf line = { 0 };

    buf_printf(&line, "%zu step%s: %zu ran, %zu reused", totals->steps,
               totals->steps == 1 ? "" : "s", totals->ran, totals->reused);
    if (totals->fetched)
        buf_printf(&line, ", %zu fetched", totals->fetched);
    if (totals->failed)
        buf_printf(&line, ", %zu failed", totals->failed);
    if (totals->skipped)
        buf_printf(&line, ", %zu skipped", totals->skipped);
    buf_adds(&line, ", ");
    say_seconds(totals->seconds, &line);
    end_line(t, &line, SAY_NORMAL, TONE_PLAIN);
}
