#include "attempt.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "discovered.h"
#include "larder/banned.h"
#include "larder/boot.h"
#include "larder/checkpoint.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "lookup.h"
#include "meet.h"
#include "undeclared.h"

enum { EXIT_TRY_AGAIN = 75, GRACE_S = 10, WATCH_AGAIN_S = 60 };
static const double sync_above_s =
    1.0; /* dearer outputs are on the disk before the record */

static int open_checkpoint(struct attempt *a, struct buf *path, struct error *err)
{
    struct store *st = a->session->store;
    const struct digest *key = &a->work->key;
    bool found;
    int rc;

    if (!a->work->step->checkpoint)
        return 0;
    rc = checkpoint_open(st, key, path, &found, err);
    if (rc == 0)
        rc = segments_begin(&a->segments, st, key, found, err);
    return rc;
}

/* A try that begins anew has told nothing yet. */
static void forget_metrics(struct attempt *a)
{
    size_t n = a->work->step->n_metrics;

    if (n && !a->metric)
        a->metric = xcalloc(n, sizeof *a->metric);
    for (size_t i = 0; i < n; i++) {
        free(a->metric[i]);
        a->metric[i] = NULL;
    }
}

/* Whether it must be found out what the step looks at. */
static bool must_watch(struct attempt *a)
{
    struct work *w = a->work;

    return w->watch || (discovered_matter(w->step) &&
                        guard_mode(a->session, w->step) != SANDBOX_OFF &&
                        !discovered_nothing(a->session, w));
}

/* What the step is given besides its inputs; texts go to the arena. jobs: the pipe of its
 * job server, if it has one. */
static int allow(struct attempt *a, struct allowance *given, int jobs[2],
                 struct arena *arena, struct error *err)
{
    struct buf text = { 0 };
    int rc = open_checkpoint(a, &text, err);

    *given = (struct allowance){ .lease = a->lease, .threads = a->share.cpu };
    if (text.len)
        given->checkpoint = arena_strdup(arena, buf_str(&text));
    buf_reset(&text);
    slots_gpu_ids(a->slots, &a->share, &text);
    if (text.len)
        given->gpus = arena_strdup(arena, buf_str(&text));
    buf_reset(&text);
    if (rc == 0 && a->work->step->resources.jobserver) {
        rc = jobserver_serve(jobs, a->share.cpu - 1, &text, err);
        given->makeflags = arena_strdup(arena, buf_str(&text));
    }
    buf_release(&text);
    return rc;
}

/* Lays out the desk and starts the child. */
static int start(struct attempt *a, struct error *err)
{
    struct allowance given;
    struct arena arena = { 0 };
    int jobs[2] = { -1, -1 }, rc;

    rc = allow(a, &given, jobs, &arena, err);
    if (rc < 0)
        goto out;
    rc = desk_open(&a->desk, a->session, a->work, &given, err);
    if (rc == 0)
        rc = guard_open(&a->guard, a->session, a->work, &a->desk, &given, must_watch(a),
                        err);
    if (rc < 0)
        goto out;
    rc = child_start(&a->child,
                     &(struct child_order){ .path = a->desk.path,
                                            .argv = a->desk.argv,
                                            .env = a->desk.env,
                                            .folder = a->desk.step,
                                            .log = a->desk.log,
                                            .lease = a->lease,
                                            .fence = guard_fence(&a->guard),
                                            .trace = a->guard.trace,
                                            .jobs = given.makeflags ? jobs : NULL },
                     err);
    a->heard = a->child.started;
    forget_metrics(a);
out:
    if (jobs[0] >= 0) {
        close(jobs[0]);
        close(jobs[1]);
    }
    arena_release(&arena);
    return rc;
}

int attempt_start(struct attempt **to, const struct attempt_order *order,
                  struct error *err)
{
    struct session *s = order->session;
    struct work *w = order->work;
    struct attempt *a = xcalloc(1, sizeof *a);
    int rc;

    *to = NULL;
    *a = (struct attempt){ .session = s,
                           .work = w,
                           .slots = order->slots,
                           .share = order->share,
                           .strays = order->strays,
                           .cause = N_CAUSES };
    rc = lease_try(&a->lease, s->store, &w->key, err);
    if (rc != LEASE_TAKEN) {
        rc = rc < 0 ? rc : ATTEMPT_BUSY;
        goto out;
    }
    rc = lookup_again(s, w, err);
    if (rc < 0)
        goto out;
    if (w->state == WORK_DONE) {
        rc = ATTEMPT_ANSWERED;
        goto out;
    }
    rc = start(a, err);
    if (rc == CHILD_STARTED) {
        strays_expect(a->strays, a->child.pid, a->desk.root);
        w->state = WORK_RUNNING;
        *to = a;
        return ATTEMPT_STARTED;
    }
    if (rc == CHILD_REFUSED)
        rc = ATTEMPT_REFUSED;
out:
    attempt_free(a);
    return rc;
}

void attempt_free(struct attempt *a)
{
    bool keep;

    if (!a)
        return;
    keep = a->desk.root && a->session->cli->keep_scratch && a->work->state == WORK_FAILED;
    if (keep)
        say_line(&a->session->say, SAY_NORMAL, TONE_PLAIN,
                 "its scratch folder is kept until the next run: %s", a->desk.root);
    guard_close(&a->guard);
    desk_close(&a->desk, keep ? ROOM_KEEP : a->left_any ? ROOM_REMOVE : ROOM_AGAIN);
    lease_release(a->lease);
    segments_release(&a->segments);
    buf_release(&a->partial);
    free(a->progress);
    free(a->platform);
    if (a->metric)
        forget_metrics(a);
    free(a->metric);
    free(a);
}

/* "metric NAME VALUE": the last value is kept where one is expected. */
static void hear_metric(struct attempt *a, const char *text)
{
    const struct step *step = a->work->step;
    size_t n = strcspn(text, " ");

    for (size_t i = 0; i < step->n_metrics && text[n]; i++)
        if (strlen(step->metric[i].name) == n &&
            !strncmp(step->metric[i].name, text, n)) {
            free(a->metric[i]);
            a->metric[i] = xstrdup(text + n + 1);
        }
}

/* One line of LARDER_PROGRESS (docs/stage-protocol.md). */
static void hear(struct attempt *a, const char *line)
{
    static const char computing[] = "note computing on ";
    long done, total;
    int unit = 0;

    if (sscanf(line, "progress %ld %ld %n", &done, &total, &unit) == 2 && unit) {
        struct buf text = { 0 };

        buf_printf(&text, "%ld/%ld %s", done, total, line + unit);
        free(a->progress);
        a->progress = buf_take(&text);
        a->moved = true;
        a->part = total > 0 && done < total ? (double)done / (double)total : 0;
    } else if (!strncmp(line, computing, sizeof computing - 1)) {
        free(a->platform);
        a->platform = xstrdup(line + sizeof computing - 1);
    }
    if (!strncmp(line, "metric ", 7))
        hear_metric(a, line + 7);
    if (!strncmp(line, "note ", 5) || !strncmp(line, "metric ", 7))
        say_line(&a->session->say, SAY_VERBOSE, TONE_FAINT, "        %s: %s",
                 a->work->step->name, strchr(line, ' ') + 1);
}

void attempt_listen(struct attempt *a)
{
    char bytes[4096];
    ssize_t n = read(a->child.progress, bytes, sizeof bytes);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(a->child.progress); /* the child will tell no more */
        a->child.progress = -1;
        return;
    }
    if (n > 0)
        a->heard = clock_now();
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] != '\n') {
            if (a->partial.len < sizeof bytes && bytes[i])
                buf_addc(&a->partial, bytes[i]);
            continue;
        }
        hear(a, buf_str(&a->partial));
        buf_reset(&a->partial);
    }
}

/* Its log is a file that it writes itself: whether it has grown is looked up. */
static bool is_silent(struct attempt *a, double now)
{
    double limit = a->work->step->resources.silence;
    struct fs_state log;

    if (limit <= 0)
        return false;
    if (fs_stat(a->desk.log, &log, NULL) == FS_FOUND && log.size != a->log_size) {
        a->log_size = log.size;
        a->heard = now;
    }
    return now - a->heard > limit;
}

void attempt_watch(struct attempt *a, double now)
{
    double limit = a->work->step->resources.time;

    if (a->ending != ENDING_NONE) {
        if (now > a->ending_at + GRACE_S)
            child_signal(&a->child, SIGKILL);
        return;
    }
    if (limit > 0 && now - a->child.started > limit)
        a->ending = ENDING_LATE;
    else if (is_silent(a, now))
        a->ending = ENDING_SILENT;
    else
        return;
    a->ending_at = now;
    child_signal(&a->child, SIGTERM);
}

static const char *platform(struct attempt *a, struct record *rec)
{
    struct utsname u;

    if (uname(&u) < 0)
        return a->platform ? arena_strdup(&rec->arena, a->platform) : "unknown";
    return arena_printf(&rec->arena, "%s%s%s", u.machine, a->platform ? " " : "",
                        a->platform ? a->platform : "");
}

static int confirm_sources(struct attempt *a, struct error *err)
{
    const struct step *step = a->work->step;
    int rc = 0;

    for (size_t i = 0; i < step->n_sources && rc == 0; i++)
        rc = facts_confirm(a->session->facts, step->source[i], err);
    if (rc == E_INPUT) { /* the step ran in vain; nothing is wrong with the recipe */
        err->code = E_STAGE;
        rc = E_STAGE;
    }
    return rc;
}

/* What a foreign program loaded, as far as it was seen. */
static int discover(struct attempt *a, bool sync, struct record *rec, struct error *err)
{
    struct trace *t = a->guard.trace;
    struct session *s = a->session;
    const struct step *step = a->work->step;

    if (!discovered_matter(step) || a->guard.mode == SANDBOX_OFF)
        return 0;
    if (!t) {
        rec->watched = discovered_nothing(s, a->work);
        return 0;
    }
    if (!trace_worked(t)) {
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN,
                 "what %s loads cannot be seen on this machine: name it in `tools:`",
                 step->name);
        return 0;
    }
    if (trace_is_cut(t))
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN,
                 "%s looks at more files than are kept in mind: name what it runs on in "
                 "`tools:`",
                 step->name);
    rec->watched = true;
    return discovered_keep(s, a->work, t, &a->guard.fence, sync, &rec->discovered, err);
}

/* It ran only to be compared: its record is not published, unless that shows that it is
 * to be. What it gave is here all the same. */
static void set_beside(struct work *w, struct record *rec)
{
    struct buf text = { 0 };

    record_write(rec, &text); /* which names it */
    buf_release(&text);
    record_free(w->second);
    w->second = rec;
    w->here = true;
    for (size_t i = 0; i < w->step->n_objects; i++)
        w->here = w->here &&
                  digest_equal(&w->output[i].id, &work_recorded(w->step, rec, i)->id);
    w->recalled = false;
}

/* Publishes outputs, then log, then the record. */
static int record(struct attempt *a, const struct child_end *end, struct error *err)
{
    struct session *s = a->session;
    struct work *w = a->work;
    struct record *rec = record_new();
    bool sync = end->wall > sync_above_s;
    int rc;

    rc = confirm_sources(a, err);
    if (rc == 0)
        rc = meet_metrics(w->step, a->metric, err);
    if (rc == 0)
        rc = desk_collect(&a->desk, s, w, sync, rec, err);
    if (rc == 0)
        rc = desk_keep_log(&a->desk, s, sync, &rec->log, err);
    if (rc == 0)
        rc = discover(a, sync, rec, err);
    if (rc < 0)
        goto out;
    rec->key = w->key;
    rec->step = w->step->name;
    rec->program = w->step->program ? w->step->program->name : "run";
    rec->wall = end->wall;
    rec->cpu = end->cpu;
    rec->rss = end->rss;
    rec->made = (long long)time(NULL);
    rec->boot = sync ? NULL : boot_id();
    rec->platform = platform(a, rec);
    rec->segments = a->segments.n ? (long)a->segments.n : 1;
    if (a->segments.n > 1) {
        a->segments.segment[a->segments.n - 1].wall = end->wall;
        a->segments.segment[a->segments.n - 1].end = SEGMENT_DONE;
        rec->starts = a->segments;
        a->segments = (struct segments){ 0 };
    }
    rec->key_text = buf_str(&w->key_text);
    if (s->again) {
        set_beside(w, rec);
        rec = NULL;
        rc = w->step->checkpoint ? checkpoint_clear(s->store, &w->key, err) : 0;
        goto out;
    }
    rc = store_record(s->store, rec, sync, err);
    if (rc == 0) {
        work_take_record(w, rec, &s->arena);
        w->here = true;
        w->recalled = false;
        rec = NULL;
        if (w->step->checkpoint)
            rc = checkpoint_clear(s->store, &w->key, err);
    }
out:
    record_free(rec);
    return rc;
}

void attempt_remember_failure(struct session *s, struct work *w, const struct digest *log)
{
    struct step_memory m;

    w->failed_log = *log;
    w->has_failed_log = true;
    state_step(s->state, w->step->name, &m);
    m.has_failed_log = true;
    m.failed_log = *log;
    state_set_step(s->state, w->step->name, &m);
}

/* Keeps the log of a failure: an object that no record names. */
static int keep_failed_log(struct attempt *a, struct error *err)
{
    struct session *s = a->session;
    struct object log;
    int rc;

    if (!fs_exists(a->desk.log))
        return 0;
    rc = store_add(s->store, a->desk.log, OBJECT_FILE, false, &log, err);
    if (rc == 0)
        attempt_remember_failure(s, a->work, &log.id);
    return rc;
}

/* A step that fails on a full disk is the machine's failure, not its own. */
static bool disk_is_full(const struct attempt *a)
{
    struct statvfs v;

    return statvfs(a->desk.root, &v) == 0 &&
           (v.f_bavail * (unsigned long long)v.f_frsize < 1 << 20 || v.f_favail == 0);
}

/* "it took longer than its `time:`, 1 s" */
static void tell_limit(const char *what, double limit, struct error *err)
{
    struct buf text = { 0 };

    say_seconds(limit, &text);
    error_set(err, E_STAGE, "%s, %s", what, buf_str(&text));
    buf_release(&text);
}

static int tell_end(struct attempt *a, int status, struct error *err)
{
    const struct resources *r = &a->work->step->resources;

    if (disk_is_full(a))
        return error_set(err, E_SYSTEM, "the disk of the cache %s is full",
                         a->session->cache);
    if (a->ending == ENDING_LATE)
        tell_limit("it took longer than its `time:`", r->time, err);
    else if (a->ending == ENDING_SILENT)
        tell_limit("it gave no sign of life for its `silence:`", r->silence, err);
    else if (a->cause == CAUSE_OOM)
        error_set(err, E_STAGE, "it was killed for want of memory");
    else if (WIFSIGNALED(status))
        error_set(err, E_STAGE, "it was ended by signal %d (%s)", WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == EXIT_TRY_AGAIN)
        error_set(err, E_STAGE, "it asks to be tried again (exit status 75)");
    else
        error_set(err, E_STAGE, "its exit status is %d", WEXITSTATUS(status));
    return E_STAGE;
}

/* What the shell says of a command that got SIGKILL counts too. */
static bool was_killed(int status)
{
    return WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL
                               : WEXITSTATUS(status) == 128 + SIGKILL;
}

/* Whose fault an end is that is not a good one. */
static enum cause cause_of(const struct attempt *a, const struct child_end *end)
{
    long long asked = a->work->step->resources.memory;
    bool ran_out =
        machine_ran_out(&a->slots->machine) || (asked > 0 && end->rss >= asked / 10 * 9);

    if (a->ending != ENDING_NONE)
        return N_CAUSES;
    if (ran_out && was_killed(end->status))
        return CAUSE_OOM;
    if (WIFEXITED(end->status))
        return WEXITSTATUS(end->status) == EXIT_TRY_AGAIN ? CAUSE_TRANSIENT : N_CAUSES;
    switch (WTERMSIG(end->status)) {
    case SIGHUP:
    case SIGINT:
    case SIGTERM:
    case SIGUSR1:
    case SIGUSR2:
        return CAUSE_PREEMPTED;
    default:
        return N_CAUSES;
    }
}

/* How a start ended of which the step's own end was not a good one. */
static enum segment_end segment_end_of(const struct attempt *a, bool stopping)
{
    static const enum segment_end end[] = { [CAUSE_TRANSIENT] = SEGMENT_TRANSIENT,
                                            [CAUSE_PREEMPTED] = SEGMENT_PREEMPTED,
                                            [CAUSE_OOM] = SEGMENT_OOM };

    if (stopping)
        return SEGMENT_STOPPED;
    if (a->ending != ENDING_NONE)
        return a->ending == ENDING_LATE ? SEGMENT_LATE : SEGMENT_SILENT;
    return a->cause == N_CAUSES ? SEGMENT_FAILED : end[a->cause];
}

/* Says of a step that was watched what it was refused, or would have been. */
static void advise(struct attempt *a, bool failed)
{
    struct trace *t = a->guard.trace;
    struct buf text = { 0 }, log = { 0 };

    if (!t || (!failed && a->guard.mode != SANDBOX_WARN && !a->session->cli->trace))
        return;
    if (failed)
        fs_read(a->desk.log, &log, NULL);
    undeclared_tell(a->session, a->work->step, t, &a->guard.fence,
                    failed ? buf_str(&log) : NULL, &text);
    buf_release(&log);
    free(a->work->advice);
    a->work->advice = text.len ? buf_take(&text) : NULL;
    buf_release(&text);
}

/* Whether running it once more under a trace may tell why it failed. */
static bool is_puzzling(const struct attempt *a, const struct child_end *end)
{
    struct buf log = { 0 };
    bool puzzling;

    if (a->guard.mode == SANDBOX_OFF || a->guard.trace || a->cause != N_CAUSES ||
        a->ending != ENDING_NONE || end->wall > WATCH_AGAIN_S)
        return false;
    puzzling = fs_read(a->desk.log, &log, NULL) == 0 && undeclared_suspect(buf_str(&log));
    buf_release(&log);
    return puzzling;
}

/* A step that was run once more only to be watched has failed, however it ends now. */
static int fail_all_the_same(struct error *err)
{
    return error_set(err, E_STAGE,
                     "it failed; run once more to be watched, it ended well");
}

int attempt_finish(struct attempt *a, bool stopping, struct error *err)
{
    struct child_end end;
    bool good;
    pid_t pid;
    int rc;

    if (a->child.progress >= 0)
        attempt_listen(a); /* its last words */
    pid = a->child.pid;
    rc = child_wait(&a->child, &end, err);
    a->left_any = !strays_end(a->strays, pid);
    if (rc < 0)
        return rc;
    a->work->seconds = end.wall;
    good = WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0;
    trace_end(a->guard.trace);
    advise(a, !good);
    if (!good)
        a->cause = cause_of(a, &end);
    if (good && a->work->watch)
        rc = fail_all_the_same(err);
    else if (good)
        rc = record(a, &end, err);
    else
        rc = stopping ? ATTEMPT_STOPPED : tell_end(a, end.status, err);
    /* What cannot be noted counts as killed. */
    if (rc == ATTEMPT_STOPPED || rc == E_STAGE)
        segments_end(&a->segments, a->session->store, &a->work->key, end.wall,
                     segment_end_of(a, rc == ATTEMPT_STOPPED), NULL);
    a->puzzling = rc == E_STAGE && !good && is_puzzling(a, &end);
    if (rc == E_STAGE && keep_failed_log(a, NULL) < 0)
        say_line(&a->session->say, SAY_NORMAL, TONE_PLAIN,
                 "the log of %s could not be kept", a->work->step->name);
    return rc;
}
