#include "attempt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/boot.h"
#include "larder/checkpoint.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "lookup.h"

enum { EXIT_TRY_AGAIN = 75 };
static const double sync_above_s =
    1.0; /* dearer outputs are on the disk before the record */

/* How often this key has been started since its checkpoint folder was empty. It is saved
 * at once, since what comes next may be a kill. */
static int count_segment(struct attempt *a, bool resumes, struct error *err)
{
    struct step_memory m;
    struct work *w = a->work;

    state_step(a->session->state, w->step->name, &m);
    if (resumes && digest_equal(&m.attempt_key, &w->key))
        m.segments++;
    else
        m.segments = resumes ? 2 : 1;
    m.attempt_key = w->key;
    a->segments = m.segments;
    state_set_step(a->session->state, w->step->name, &m);
    return state_save(a->session->state, err);
}

static int open_checkpoint(struct attempt *a, struct buf *path, struct error *err)
{
    bool found;
    int rc;

    a->segments = 1;
    if (!a->work->step->checkpoint)
        return 0;
    rc = checkpoint_open(a->session->store, &a->work->key, path, &found, err);
    if (rc == 0)
        rc = count_segment(a, found, err);
    return rc;
}

/* Lays out the desk and starts the child. */
static int start(struct attempt *a, struct error *err)
{
    struct buf checkpoint = { 0 };
    int rc;

    rc = open_checkpoint(a, &checkpoint, err);
    if (rc < 0)
        goto out;
    rc = desk_open(&a->desk, a->session, a->work, a->threads,
                   checkpoint.len ? buf_str(&checkpoint) : NULL, err);
    if (rc < 0)
        goto out;
    rc = child_start(&a->child,
                     &(struct child_order){ .path = a->desk.path,
                                            .argv = a->desk.argv,
                                            .env = a->desk.env,
                                            .folder = a->desk.step,
                                            .log = a->desk.log,
                                            .lease = a->lease },
                     err);
    a->tries++;
out:
    buf_release(&checkpoint);
    return rc;
}

int attempt_start(struct attempt **to, struct session *s, struct work *w, int threads,
                  struct error *err)
{
    struct attempt *a = xcalloc(1, sizeof *a);
    int rc;

    *to = NULL;
    *a = (struct attempt){ .session = s, .work = w, .threads = threads };
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
    a->first = clock_now();
    rc = start(a, err);
    if (rc == 0) {
        w->state = WORK_RUNNING;
        *to = a;
        return ATTEMPT_STARTED;
    }
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
    desk_close(&a->desk, keep);
    lease_release(a->lease);
    buf_release(&a->partial);
    free(a->progress);
    free(a->platform);
    free(a);
}

/* One line of LARDER_PROGRESS (docs/program.md). */
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
    } else if (!strncmp(line, computing, sizeof computing - 1)) {
        free(a->platform);
        a->platform = xstrdup(line + sizeof computing - 1);
    }
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

    for (size_t i = 0; i < step->n_inputs; i++)
        for (size_t j = 0; j < step->input[i].n_items && rc == 0; j++)
            if (step->input[i].item[j].source)
                rc = facts_confirm(a->session->facts, step->input[i].item[j].source, err);
    for (size_t i = 0; i < step->n_code && rc == 0; i++)
        rc = facts_confirm(a->session->facts, step->code[i], err);
    if (rc == E_INPUT) { /* the step ran in vain; nothing is wrong with the recipe */
        err->code = E_STAGE;
        rc = E_STAGE;
    }
    return rc;
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
        rc = desk_collect(&a->desk, s, w, sync, rec, err);
    if (rc == 0)
        rc = store_add(s->store, a->desk.log, OBJECT_FILE, sync, &rec->log, err);
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
    rec->segments = a->segments;
    rec->key_text = buf_str(&w->key_text);
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

/* Keeps the log of a failure: an object that no record names. */
static int keep_failed_log(struct attempt *a, struct error *err)
{
    struct session *s = a->session;
    struct work *w = a->work;
    struct step_memory m;
    struct object log;
    int rc;

    if (!fs_exists(a->desk.log))
        return 0;
    rc = store_add(s->store, a->desk.log, OBJECT_FILE, false, &log, err);
    if (rc < 0)
        return rc;
    w->failed_log = log.id;
    w->has_failed_log = true;
    state_step(s->state, w->step->name, &m);
    m.has_failed_log = true;
    m.failed_log = log.id;
    state_set_step(s->state, w->step->name, &m);
    return 0;
}

/* A step that fails on a full disk is the machine's failure, not its own. */
static bool disk_is_full(const struct attempt *a)
{
    struct statvfs v;

    return statvfs(a->desk.root, &v) == 0 &&
           (v.f_bavail * (unsigned long long)v.f_frsize < 1 << 20 || v.f_favail == 0);
}

static int tell_end(struct attempt *a, int status, struct error *err)
{
    if (disk_is_full(a))
        return error_set(err, E_SYSTEM, "the disk of the cache %s is full",
                         a->session->cache);
    if (a->late) {
        struct buf limit = { 0 };

        say_seconds(a->work->step->resources.time, &limit);
        error_set(err, E_STAGE, "it took longer than its `time:`, %s", buf_str(&limit));
        buf_release(&limit);
        return E_STAGE;
    }
    if (WIFSIGNALED(status))
        return error_set(err, E_STAGE, "it was ended by signal %d (%s)", WTERMSIG(status),
                         strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == EXIT_TRY_AGAIN)
        return error_set(err, E_STAGE,
                         "it asked %d times to be tried again (exit status 75)",
                         a->tries);
    return error_set(err, E_STAGE, "its exit status is %d", WEXITSTATUS(status));
}

static int start_again(struct attempt *a, struct error *err)
{
    int rc;

    say_line(&a->session->say, SAY_NORMAL, TONE_PLAIN,
             "%s asks to be tried again (exit status 75)", a->work->step->name);
    desk_close(&a->desk, false);
    rc = start(a, err);
    return rc < 0 ? rc : ATTEMPT_AGAIN;
}

int attempt_finish(struct attempt *a, bool stopping, struct error *err)
{
    struct child_end end;
    bool good, again;
    int rc;

    if (a->child.progress >= 0)
        attempt_listen(a); /* its last words */
    rc = child_wait(&a->child, &end, err);
    if (rc < 0)
        return rc;
    a->work->seconds = clock_now() - a->first;
    good = WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0;
    again = WIFEXITED(end.status) && WEXITSTATUS(end.status) == EXIT_TRY_AGAIN;
    if (stopping && !good)
        return ATTEMPT_STOPPED;
    if (again && a->tries < ATTEMPTS && !disk_is_full(a))
        return start_again(a, err);
    rc = good ? record(a, &end, err) : tell_end(a, end.status, err);
    if (rc == E_STAGE && keep_failed_log(a, NULL) < 0)
        say_line(&a->session->say, SAY_NORMAL, TONE_PLAIN,
                 "the log of %s could not be kept", a->work->step->name);
    return rc < 0 ? rc : ATTEMPT_DONE;
}
