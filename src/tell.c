#include "tell.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/holder.h"

#include "child.h"
#include "retry.h"
#include "steplog.h"

enum { TAIL_LINES = 20, BEAT_S = 60, FOOT_LINES = 9 };
static const double draw_s = 0.1, look_s = 1;

void tell_init(struct tell *t, struct session *s)
{
    *t = (struct tell){ .s = s, .started = clock_now() };
    t->next_beat = t->started + BEAT_S;
    if (s->cli->events)
        t->events = (struct events){ .to = stdout, .started = t->started };
    t->busy = xcalloc(s->plan->n_steps + 1, sizeof *t->busy);
    t->met = xcalloc(s->plan->n_steps + 1, sizeof *t->met);
    t->told = xcalloc(s->plan->n_steps + 1, sizeof *t->told);
    for (size_t i = 0; i < s->plan->n_steps; i++)
        t->n_wanted += s->wanted[i];
    if (s->say.level < SAY_NORMAL || !foot_can(s->say.to))
        return;
    t->foot = (struct foot){ .to = s->say.to, .color = s->say.color };
    s->say.foot = &t->foot;
    eta_init(&t->eta, s->plan);
}

void tell_release(struct tell *t)
{
    t->s->say.foot = NULL;
    foot_close(&t->foot);
    eta_release(&t->eta);
    free(t->busy);
    free(t->met);
    free(t->told);
}

/* Once, although one that was reused may have to run after all. */
static void count(struct tell *t, const struct work *w)
{
    t->n_told += !t->told[w->step->index];
    t->told[w->step->index] = true;
}

/* "[ 3/40] NAME " */
static void start_line(struct tell *t, const struct work *w, struct buf *line)
{
    int digits = snprintf(NULL, 0, "%zu", t->n_wanted);

    count(t, w);
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

    event(&t->events, w->fetched ? "fetched" : "reused", w->step->name, "{}");
    t->n_reused++;
    if (t->s->say.level < SAY_VERBOSE) {
        count(t, w);
        return;
    }
    start_line(t, w, &line);
    buf_adds(&line, w->fetched ? "fetched" : "reused");
    end_line(t, &line, SAY_VERBOSE, TONE_FAINT);
}

void tell_reused(struct tell *t)
{
    size_t n_fetched = 0;

    event(&t->events, "begin", NULL, "{s:I}", "steps", (json_int_t)t->n_wanted);
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
    event(&t->events, "start", w->step->name, "{s:s?}", "reason", w->reason);
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

    event(&t->events, "ran", w->step->name, "{s:f}", "seconds", w->seconds);
    if (t->foot.to)
        eta_ran(&t->eta, w);
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

    event(&t->events, "failed", w->step->name, "{s:s}", "message", err->text);
    t->n_failed++;
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

    event(&t->events, "retry", w->step->name, "{s:s, s:s, s:i, s:f}", "message",
          err->text, "cause", retry_cause(cause), "number", n, "pause", pause);
    buf_printf(&line, "%s: %s; retry %d of %d (%s) in ", w->step->name, err->text, n,
               w->step->retry[cause], retry_cause(cause));
    say_seconds(pause, &line);
    end_line(t, &line, SAY_NORMAL, TONE_PLAIN);
}

void tell_stopped(struct tell *t, const struct work *w)
{
    event(&t->events, "stopped", w->step->name, "{}");
    say_line(&t->s->say, SAY_NORMAL, TONE_PLAIN, "%s was stopped", w->step->name);
}

void tell_busy(struct tell *t, const struct work *w, const char *what)
{
    if (t->busy[w->step->index])
        return;
    event(&t->events, "waiting", w->step->name, "{s:s}", "message", what);
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

/* "41.2 s of about 3 min 2 s, 12/30 epochs" */
static void add_running(const struct running *a, double now, struct buf *line)
{
    double so_far = now - a->started;

    say_seconds(so_far, line);
    if (a->work->expected > so_far) {
        buf_adds(line, " of about ");
        say_seconds(a->work->expected, line);
    }
    if (a->progress)
        buf_printf(line, ", %s", a->progress);
}

void tell_running(struct tell *t, const struct running *active, size_t n, double now)
{
    for (size_t i = 0; i < n; i++) {
        struct buf line = { 0 };

        buf_printf(&line, "        %s runs for ", active[i].work->step->name);
        add_running(&active[i], now, &line);
        end_line(t, &line, SAY_NORMAL, TONE_FAINT);
    }
}

/* "[12/48] 2 running, 10 reused, 1 failed; 3 min 5 s, about 12 min left" */
static void add_summary(const struct tell *t, size_t n, size_t n_queued, double now,
                        struct buf *line)
{
    buf_printf(line, "[%zu/%zu] %zu running", t->n_told, t->n_wanted, n);
    if (n_queued)
        buf_printf(line, ", %zu queued", n_queued);
    if (t->n_reused)
        buf_printf(line, ", %zu reused", t->n_reused);
    if (t->n_failed)
        buf_printf(line, ", %zu failed", t->n_failed);
    buf_adds(line, "; ");
    say_seconds(now - t->started, line);
    if (t->left >= 1) {
        buf_adds(line, t->unknown ? ", more than " : ", about ");
        say_roughly(t->left, line);
        buf_adds(line, " left");
    }
}

/* The name, cut so that all that is behind it can be read. */
static void add_foot_line(const struct running *a, int columns, double now,
                          struct buf *line)
{
    struct buf name = { 0 }, rest = { 0 };

    buf_adds(&name, a->work->step->name);
    add_running(a, now, &rest);
    foot_fit(&name, columns - (int)rest.len - 4 > 8 ? columns - (int)rest.len - 4 : 8,
             FOOT_CUT_MIDDLE);
    buf_printf(line, "  %s  %s", buf_str(&name), buf_str(&rest));
    foot_fit(line, columns, FOOT_CUT_END);
    buf_release(&name);
    buf_release(&rest);
}

static void draw_foot(struct tell *t, const struct running *active, size_t n,
                      size_t n_queued, double now)
{
    struct buf line[FOOT_LINES + 1] = { { 0 } };
    size_t n_lines = 1, n_shown = n;
    int columns, rows;

    foot_size(&t->foot, &columns, &rows);
    columns--; /* the last column is left free, since some terminals wrap there */
    if (n_shown + 1 > FOOT_LINES)
        n_shown = FOOT_LINES - 1;
    if (n_shown + 1 > (size_t)rows / 3)
        n_shown = rows / 3 > 0 ? (size_t)rows / 3 - 1 : 0;
    add_summary(t, n, n_queued, now, &line[0]);
    if (n_shown > 0 && n_shown < n)
        buf_printf(&line[0], " (%zu of the running:)", n_shown);
    foot_fit(&line[0], columns, FOOT_CUT_END);
    for (size_t i = 0; i < n_shown; i++) /* in the order in which they were started */
        add_foot_line(&active[i], columns, now, &line[n_lines++]);
    foot_draw(&t->foot, line, n_lines);
    for (size_t i = 0; i < n_lines; i++)
        buf_release(&line[i]);
}

/* Once a second what has got on. */
static void tell_progress(struct tell *t, const struct running *active, size_t n,
                          double now)
{
    if (!t->events.to || now < t->heard + look_s)
        return;
    t->heard = now;
    for (size_t i = 0; i < n; i++) {
        const struct running *a = &active[i];

        if (*a->moved)
            event(&t->events, "progress", a->work->step->name, "{s:s, s:f}", "progress",
                  a->progress, "seconds", now - a->started);
        *a->moved = false;
    }
}

void tell_tick(struct tell *t, const struct running *active, size_t n, size_t n_queued,
               int processors, double now)
{
    tell_progress(t, active, n, now);
    if (!t->foot.to) {
        if (now >= t->next_beat)
            tell_running(t, active, n, now);
        if (now >= t->next_beat)
            t->next_beat = now + BEAT_S;
        return;
    }
    if (now < t->drawn + draw_s)
        return;
    if (now >= t->looked + look_s) {
        t->left = eta_left(&t->eta, t->s->work, active, n, processors, now, &t->unknown);
        t->looked = now;
    }
    t->drawn = now;
    draw_foot(t, active, n, n_queued, now);
}

void tell_continued(struct tell *t)
{
    foot_forget(&t->foot);
    t->drawn = 0;
}

void tell_totals(struct tell *t, const struct run_totals *totals)
{
    struct buf line = { 0 };

    foot_draw(&t->foot, NULL, 0);
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
