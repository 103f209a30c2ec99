#include "judge.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "larder/banned.h"
#include "larder/lease.h"

#include "child.h"
#include "comparator.h"
#include "guard.h"
#include "steplog.h"

enum { LIMIT_S = 600, TAIL_BYTES = 300 };

/* Where it runs. */
struct place {
    struct lease *lease;
    struct room *room;
    struct arena arena;
    const char *root, *step, *log, *verdict;
};

static const char *below(struct place *p, const char *name)
{
    return arena_printf(&p->arena, "%s/%s", p->root, name);
}

/* Two that compare the same wait for each other: they would share a scratch folder's
 * name, and have the same answer. */
static int hold(struct place *p, struct session *s, const struct object *a,
                const struct object *b, struct error *err)
{
    static const volatile sig_atomic_t never;
    char x[DIGEST_HEX + 1], y[DIGEST_HEX + 1];
    struct buf text = { 0 };
    struct digest both;
    int rc;

    buf_printf(&text, "larder compares\n%s\n%s\n", digest_hex(&a->id, x),
               digest_hex(&b->id, y));
    digest_bytes(&both, text.s, text.len);
    rc = lease_wait(&p->lease, s->store, &both, &never, err);
    buf_release(&text);
    return rc;
}

static bool is_kept(const void *self, const char *name)
{
    (void)self;
    (void)name;
    return false;
}

static int lay_out(struct place *p, struct session *s, const struct object *a,
                   const struct object *b, struct error *err)
{
    int rc = hold(p, s, a, b, err);

    if (rc == 0)
        rc = rooms_take(&s->rooms, &p->room, s->store, p->lease, err);
    if (rc < 0)
        return rc;
    p->root = room_path(p->room);
    p->step = below(p, "step");
    p->log = below(p, "log");
    p->verdict = below(p, "step/out/verdict");
    rc = room_free_others(p->room, is_kept, NULL, err);
    if (rc == 0)
        rc = store_lend(s->store, a, below(p, "step/in/a"), err);
    return rc == 0 ? store_lend(s->store, b, below(p, "step/in/b"), err) : rc;
}

static void clear(struct place *p, struct session *s)
{
    rooms_give(&s->rooms, p->room, ROOM_AGAIN);
    lease_release(p->lease);
    arena_release(&p->arena);
}

/* Until it has ended, or for ten minutes. */
static int wait_for(struct child *c, struct child_end *end, struct error *err)
{
    struct pollfd fd = { .fd = c->pidfd, .events = POLLIN };

    if (poll(&fd, 1, LIMIT_S * 1000) == 0)
        child_signal(c, SIGKILL);
    return child_wait(c, end, err);
}

static int start(struct place *p, struct session *s, const struct program *program,
                 const struct comparator *how, struct child_end *end, struct error *err)
{
    char *argv[] = {
        arena_strdup(&p->arena, program->name),
        arena_strdup(&p->arena, "a=in/a"),
        arena_strdup(&p->arena, "b=in/b"),
        arena_strdup(&p->arena, "verdict=out/verdict"),
        arena_printf(&p->arena, "--kind=%s", comparator_name(how->kind)),
        arena_printf(&p->arena, "--abs=%.17g", how->abs),
        arena_printf(&p->arena, "--rel=%.17g", how->rel),
        NULL,
    };
    char *env[] = { arena_strdup(&p->arena, "PATH=/usr/local/bin:/usr/bin:/bin"),
                    arena_printf(&p->arena, "HOME=%s/home", p->root),
                    arena_printf(&p->arena, "TMPDIR=%s/tmp", p->root),
                    arena_strdup(&p->arena, "LANG=C.UTF-8"), NULL };
    struct fence fence = { 0 };
    struct child child;
    bool fenced = config_sandbox(&s->config) == SANDBOX_ENFORCE;
    int rc;

    if (fenced)
        guard_program(&fence, s, program, p->root);
    rc = child_start(&child,
                     &(struct child_order){ .path = program->path,
                                            .argv = argv,
                                            .env = env,
                                            .folder = p->step,
                                            .log = p->log,
                                            .lease = p->lease,
                                            .fence = fenced ? &fence : NULL },
                     err);
    if (rc == CHILD_STARTED)
        rc = wait_for(&child, end, err);
    fence_release(&fence);
    return rc == CHILD_REFUSED ? E_SYSTEM : rc;
}

/* The one row that it wrote. */
static bool read_verdict(const char *path, struct agreement *g, double *mean,
                         char **where)
{
    struct buf text = { 0 };
    size_t values, differ, beyond;
    double most;
    int end = 0;
    const char *row;
    bool ok = fs_read(path, &text, NULL) == 0 && (row = strchr(text.s, '\n')) != NULL &&
              sscanf(row, " %zu %zu %zu %lf %lf %n", &values, &differ, &beyond, &most,
                     mean, &end) == 5 &&
              end > 0;

    if (ok) {
        g->n += values;
        g->n_differ += differ;
        g->n_beyond += beyond;
        g->most = most > g->most ? most : g->most;
        *where = xstrndup(row + end, strcspn(row + end, "\n"));
    }
    buf_release(&text);
    return ok;
}

static void weigh(const struct comparator *how, struct agreement *g, double mean,
                  const char *where)
{
    if (g->verdict == VERDICT_SAME)
        g->verdict = VERDICT_WITHIN;
    if (how->kind == COMPARE_TENSORS && g->n_beyond)
        agreement_deny(g, "most of all in %s", where);
    if (how->kind == COMPARE_PICTURE && g->most > how->max)
        agreement_deny(g, "picture %s: one value by %g, and %g is allowed", where,
                       g->most, how->max);
    if (how->kind == COMPARE_PICTURE && mean > how->mean)
        agreement_deny(g, "on average by %.3g, and %g is allowed", mean, how->mean);
}

/* What it printed last says why there is no verdict. */
static void tell_failure(const struct place *p, const struct child_end *end,
                         struct agreement *g)
{
    struct buf log = { 0 };
    const char *line;

    fs_read(p->log, &log, NULL);
    line = steplog_tail(buf_str(&log), 1);
    if (*line)
        agreement_deny(g, "%.*s", (int)strcspn(line, "\n"), line);
    else
        agreement_deny(g, "`compare` gave no verdict (status %d)", end->status);
    buf_release(&log);
}

int judge(struct session *s, const struct comparator *how, const struct object *a,
          const struct object *b, struct agreement *g, struct error *err)
{
    const struct program *program;
    struct child_end end = { 0 };
    struct place p = { 0 };
    char *where = NULL;
    double mean = 0;
    int rc = session_program(s, "compare", &program, err);

    if (rc == 0)
        rc = lay_out(&p, s, a, b, err);
    if (rc == 0)
        rc = start(&p, s, program, how, &end, err);
    if (rc == 0 && WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0 &&
        read_verdict(p.verdict, g, &mean, &where))
        weigh(how, g, mean, where);
    else if (rc == 0)
        tell_failure(&p, &end, g);
    free(where);
    clear(&p, s);
    return rc < 0 ? error_context(err, "comparing two results") : 0;
}
