#include "cluster.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "child.h"
#include "slurm.h"

enum { ARRAY_MAX = 1000, TOLD = 8 };
static const double file_s = 0.3, queue_s = 2, gone_s = 5;

enum place { QUEUED, RUNNING, OVER };

/* One member of a batch. */
struct one {
    struct member member;
    struct work *work; /* who waits for it, or NULL */
    enum place place;
    double started;    /* it was first seen to run */
    double gone_since; /* it is in no queue; 0: it is, -1: to be seen */
    char *progress;
    double part;
    bool moved;
    off_t heard; /* how much of its events was read */
};

struct batch {
    char *folder;
    char *id; /* of the array job */
    struct one *one;
    size_t n, n_over;
    bool adopted; /* of a larder before us: somebody may come to wait for its members */
};

/* What is to be submitted. */
struct order {
    struct work *work;
    struct resources wanted;
    bool taken;
};

struct cluster {
    struct session *s;
    struct arena arena; /* owns texts and keys of members */
    char *folder;       /* .larder/slurm */
    struct batch **batch;
    size_t n, cap;
    struct order *order;
    size_t n_orders, cap_orders;
    struct cluster_end *end; /* to be taken */
    size_t n_ends, cap_ends, n_taken;
    double looked_at_files, looked_at_queue;
    bool stopping; /* we have cancelled them */
};

/* ---- what is over ---- */

static void settle(struct cluster *c, struct batch *b, struct one *one,
                   const struct member_end *end, enum cause cause)
{
    if (one->place == OVER)
        return;
    one->place = OVER;
    b->n_over++;
    if (!one->work)
        return;
    GROW(c->end, c->n_ends + 1, c->cap_ends);
    c->end[c->n_ends++] =
        (struct cluster_end){ .work = one->work, .end = *end, .cause = cause };
    one->work = NULL;
}

/* The last line of what a job printed; in arena memory. */
static const char *last_words(struct cluster *c, const struct batch *b, size_t i)
{
    struct buf path = { 0 }, text = { 0 };
    const char *words;

    buf_printf(&path, "%s/%zu.err", b->folder, i);
    if (fs_exists(path.s))
        fs_read(path.s, &text, NULL);
    while (text.len && text.s[text.len - 1] == '\n')
        text.s[--text.len] = '\0';
    words = strrchr(buf_str(&text), '\n');
    words = arena_strdup(&c->arena, words ? words + 1 : buf_str(&text));
    buf_release(&text);
    buf_release(&path);
    return *words ? words : "it printed nothing";
}

/* It is in no queue, and has not said how it ended. */
static void settle_lost(struct cluster *c, struct batch *b, size_t i)
{
    struct member_end end = { .outcome = MEMBER_FAILED };
    enum cause cause = CAUSE_PREEMPTED;
    char *state = slurm_state(b->id, i);

    if (c->stopping) {
        end.outcome = MEMBER_STOPPED;
        end.message = "";
        cause = N_CAUSES;
    } else if (state && strcmp(state, "CANCELLED") == 0) {
        end.message = "its job was cancelled in Slurm";
        cause = N_CAUSES;
    } else if (state &&
               (strcmp(state, "TIMEOUT") == 0 || strcmp(state, "DEADLINE") == 0)) {
        end.message = "Slurm ended its job, whose time was over; say `time:` in its "
                      "resources, or --time in slurm.options";
        cause = N_CAUSES;
    } else if (state && strcmp(state, "OUT_OF_MEMORY") == 0) {
        end.message =
            "Slurm killed it for want of memory; say `memory:` in its resources";
        cause = CAUSE_OOM;
    } else {
        if (state && strcmp(state, "FAILED") == 0) /* larder itself, on the node */
            cause = N_CAUSES;
        end.message = arena_printf(&c->arena, "its job %s_%zu is gone (%s): %s", b->id, i,
                                   state ? state : "Slurm does not know it any more",
                                   last_words(c, b, i));
    }
    free(state);
    settle(c, b, &b->one[i], &end, cause);
}

/* ---- files ---- */

/* "12.exit" */
static bool is_exit(const char *name, size_t n, size_t *i)
{
    char *end;

    *i = strtoul(name, &end, 10);
    return end != name && strcmp(end, ".exit") == 0 && *i < n;
}

static int look_at_exits(struct cluster *c, struct batch *b, struct error *err)
{
    char **name = NULL;
    size_t n = 0, i;
    int rc = fs_list(b->folder, &name, &n, err);

    for (size_t k = 0; k < n && rc == 0; k++) {
        struct member_end end;

        if (!is_exit(name[k], b->n, &i) || b->one[i].place == OVER)
            continue;
        rc = member_read_end(b->folder, i, &end, &c->arena, err);
        if (rc > 0 &&
            end.outcome != MEMBER_STOPPED) /* else it may go on: see the queue */
            settle(c, b, &b->one[i], &end, end.out_of_memory ? CAUSE_OOM : N_CAUSES);
        rc = rc < 0 ? rc : 0;
    }
    free(name);
    return rc;
}

/* "12/30 epochs": the part that is done. */
static double part_of(const char *progress)
{
    char *end;
    double done = strtod(progress, &end), total = *end == '/' ? strtod(end + 1, NULL) : 0;

    return total > 0 && done < total ? done / total : 0;
}

static void hear(struct one *one, const char *line, size_t n)
{
    json_t *event = json_loadb(line, n, 0, NULL);
    const char *progress = json_string_value(json_object_get(event, "progress"));

    if (progress) {
        free(one->progress);
        one->progress = xstrdup(progress);
        one->part = part_of(progress);
        one->moved = true;
    }
    json_decref(event);
}

/* What it has told since; the last line may not be whole yet. */
static void listen_to(const struct batch *b, struct one *one, size_t i)
{
    struct buf path = { 0 };
    char bytes[8192];
    ssize_t n = -1;
    int fd;

    buf_printf(&path, "%s/%zu.events", b->folder, i);
    fd = open(path.s, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = pread(fd, bytes, sizeof bytes, one->heard);
        close(fd);
    }
    for (const char *at = bytes, *end; n > 0; at = end + 1) {
        end = memchr(at, '\n', (size_t)(bytes + n - at));
        if (!end)
            break;
        hear(one, at, (size_t)(end - at));
        one->heard += end + 1 - at;
    }
    buf_release(&path);
}

/* ---- the queue ---- */

static struct batch *batch_of(const struct cluster *c, const char *id, size_t n)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->batch[i]->id && strlen(c->batch[i]->id) == n &&
            strncmp(c->batch[i]->id, id, n) == 0)
            return c->batch[i];
    return NULL;
}

/* "ARRAY INDEX STATE" */
static void take_queued(struct cluster *c, const char *line, double now)
{
    size_t n = strcspn(line, " ");
    struct batch *b = batch_of(c, line, n);
    const char *at = line[n] ? line + n + 1 : "";
    char *end;
    size_t i = strtoul(at, &end, 10);
    struct one *one;

    if (!b || end == at || *end != ' ' || i >= b->n || b->one[i].place == OVER)
        return;
    one = &b->one[i];
    one->gone_since = 0;
    /* A job that ends is in the queue for a while; one that is requeued waits again. */
    if (strncmp(end + 1, "RUNNING", 7) == 0 || strncmp(end + 1, "COMPLETING", 10) == 0) {
        if (one->place == QUEUED)
            one->started = now;
        one->place = RUNNING;
    } else {
        one->place = QUEUED;
    }
}

/* The ids of batches that go on, with commas. */
static void add_ids(const struct cluster *c, struct buf *to)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->batch[i]->n_over < c->batch[i]->n)
            buf_printf(to, "%s%s", to->len ? "," : "", c->batch[i]->id);
}

static void mark_gone(struct cluster *c, double now)
{
    for (size_t k = 0; k < c->n; k++)
        for (size_t i = 0; i < c->batch[k]->n; i++) {
            struct one *one = &c->batch[k]->one[i];

            if (one->place == OVER)
                continue;
            if (one->gone_since < 0)
                one->gone_since = now;
            else if (one->gone_since > 0 && now - one->gone_since > gone_s)
                settle_lost(c, c->batch[k], i);
        }
}

/* A queue that does not answer is asked again later. */
static void look_at_queue(struct cluster *c, double now)
{
    struct buf ids = { 0 }, out = { 0 };
    struct error err;
    int rc;

    add_ids(c, &ids);
    if (!ids.len)
        return;
    rc = slurm_run((const char *const[]){ "squeue", "-h", "-r", "-o", "%F %K %T", "-j",
                                          ids.s, NULL },
                   &out, &err);
    /* of jobs that are all gone it says that their ids are invalid */
    if (rc == 0 || (rc > 0 && strstr(err.text, "nvalid job id"))) {
        char *rest = out.s, *line;

        for (size_t k = 0; k < c->n; k++)
            for (size_t i = 0; i < c->batch[k]->n; i++)
                if (c->batch[k]->one[i].gone_since == 0)
                    c->batch[k]->one[i].gone_since = -1;
        while (rest && (line = strsep(&rest, "\n")) != NULL)
            take_queued(c, line, now);
        mark_gone(c, now);
    }
    buf_release(&out);
    buf_release(&ids);
}

int cluster_look(struct cluster *c, double now, struct error *err)
{
    int rc = 0;

    if (now - c->looked_at_files < file_s)
        return 0;
    c->looked_at_files = now;
    for (size_t k = 0; k < c->n && rc == 0; k++)
        if (c->batch[k]->n_over < c->batch[k]->n)
            rc = look_at_exits(c, c->batch[k], err);
    if (rc == 0 && now - c->looked_at_queue >= queue_s) {
        c->looked_at_queue = now;
        look_at_queue(c, now);
    }
    return rc;
}

bool cluster_next(struct cluster *c, struct cluster_end *end)
{
    if (c->n_taken == c->n_ends) {
        c->n_taken = c->n_ends = 0;
        return false;
    }
    *end = c->end[c->n_taken++];
    return true;
}

/* ---- batches ---- */

static struct batch *batch_new(const char *folder, const struct member *m, size_t n)
{
    struct batch *b = xcalloc(1, sizeof *b);

    b->folder = xstrdup(folder);
    b->one = xcalloc(n + 1, sizeof *b->one);
    b->n = n;
    for (size_t i = 0; i < n; i++)
        b->one[i].member = m[i];
    return b;
}

static void batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        free(b->one[i].progress);
    free(b->one);
    free(b->folder);
    free(b->id);
    free(b);
}

static void add_batch(struct cluster *c, struct batch *b)
{
    GROW(c->batch, c->n + 1, c->cap);
    c->batch[c->n++] = b;
}

/* A batch of a larder before us, or what one left that was killed while it made it. */
static int adopt(struct cluster *c, const char *folder, struct error *err)
{
    struct member *m;
    struct batch *b;
    size_t n;
    char *id = NULL;

    if (member_read_list(folder, &m, &n, &c->arena, NULL) == 0)
        id = slurm_find(folder);
    if (!id)
        return fs_remove_tree(folder, err);
    b = batch_new(folder, m, n);
    b->id = id;
    b->adopted = true;
    add_batch(c, b);
    return look_at_exits(c, b, err);
}

int cluster_open(struct cluster **to, struct session *s, struct error *err)
{
    struct cluster *c = xcalloc(1, sizeof *c);
    struct buf folder = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    *to = NULL;
    c->s = s;
    fs_join(&folder, s->own, "slurm");
    c->folder = buf_take(&folder);
    rc =
        slurm_run((const char *const[]){ "sinfo", "-h", "-o", "%P", NULL }, &folder, err);
    if (rc != 0) {
        error_context(err, "--executor slurm");
        rc = E_SYSTEM;
    }
    if (rc == 0)
        rc = fs_mkdirs(c->folder, err);
    if (rc == 0)
        rc = fs_list(c->folder, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&folder);
        fs_join(&folder, c->folder, name[i]);
        rc = adopt(c, folder.s, err);
    }
    free(name);
    buf_release(&folder);
    if (rc < 0)
        cluster_close(c);
    else
        *to = c;
    return rc;
}

void cluster_close(struct cluster *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++) {
        if (c->batch[i]->n_over == c->batch[i]->n)
            fs_remove_tree(c->batch[i]->folder, NULL);
        batch_free(c->batch[i]);
    }
    free(c->batch);
    free(c->order);
    free(c->end);
    free(c->folder);
    arena_release(&c->arena);
    free(c);
}

/* ---- submitting ---- */

void cluster_add(struct cluster *c, struct work *w, const struct resources *wanted)
{
    w->state = WORK_RUNNING;
    for (size_t k = 0; k < c->n; k++)
        for (size_t i = 0; c->batch[k]->adopted && i < c->batch[k]->n; i++) {
            struct one *one = &c->batch[k]->one[i];

            if (one->place != OVER && !one->work &&
                digest_equal(&one->member.key, &w->key)) {
                one->work = w;
                return;
            }
        }
    GROW(c->order, c->n_orders + 1, c->cap_orders);
    c->order[c->n_orders++] = (struct order){ w, *wanted, false };
}

static bool same_kind(const struct order *a, const struct order *b)
{
    const struct resources *x = &a->wanted, *y = &b->wanted;

    return strcmp(a->work->step->stage, b->work->step->stage) == 0 && x->cpu == y->cpu &&
           x->memory == y->memory && x->gpu == y->gpu && x->gpu_part == y->gpu_part &&
           x->time == y->time;
}

static char *new_folder(const struct cluster *c)
{
    unsigned char random[8] = { 0 };
    struct buf path = { 0 };

    if (getrandom(random, sizeof random, 0) < 0)
        memset(random, (int)getpid(), sizeof random);
    buf_printf(&path, "%s/", c->folder);
    for (size_t i = 0; i < sizeof random; i++)
        buf_printf(&path, "%02x", random[i]);
    return buf_take(&path);
}

/* All that are like the first that was not taken yet. */
static int submit_like(struct cluster *c, size_t first, struct error *err)
{
    struct member *m = arena_alloc(&c->arena, ARRAY_MAX * sizeof *m);
    struct work **work = xcalloc(ARRAY_MAX, sizeof *work);
    char *folder = new_folder(c);
    struct batch *b;
    size_t n = 0;
    int rc;

    for (size_t i = first; i < c->n_orders && n < ARRAY_MAX; i++) {
        struct order *o = &c->order[i];

        if (o->taken || !same_kind(o, &c->order[first]))
            continue;
        o->taken = true;
        m[n] = (struct member){ o->work->step->name, o->work->key };
        work[n++] = o->work;
    }
    b = batch_new(folder, m, n);
    rc = slurm_submit(c->s, folder, m, n, &c->order[first].wanted, &b->id, err);
    if (rc == 0) {
        for (size_t i = 0; i < n; i++)
            b->one[i].work = work[i];
        add_batch(c, b);
    } else {
        fs_remove_tree(b->folder, NULL);
        batch_free(b);
    }
    free(work);
    free(folder);
    return rc;
}

int cluster_submit(struct cluster *c, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < c->n_orders && rc == 0; i++)
        if (!c->order[i].taken)
            rc = submit_like(c, i, err);
    c->n_orders = 0;
    return rc;
}

/* ---- what goes on ---- */

static size_t count(const struct cluster *c, enum place place)
{
    size_t n = 0;

    for (size_t k = 0; k < c->n; k++)
        for (size_t i = 0; i < c->batch[k]->n; i++)
            n += c->batch[k]->one[i].work && c->batch[k]->one[i].place == place;
    return n;
}

size_t cluster_count(const struct cluster *c)
{
    return count(c, QUEUED) + count(c, RUNNING) + c->n_ends - c->n_taken;
}

size_t cluster_queued(const struct cluster *c)
{
    return count(c, QUEUED);
}

size_t cluster_running(const struct cluster *c, struct running *list, size_t max)
{
    size_t n = 0;

    for (size_t k = 0; k < c->n; k++)
        for (size_t i = 0; i < c->batch[k]->n && n < max; i++) {
            struct one *one = &c->batch[k]->one[i];

            if (!one->work || one->place != RUNNING)
                continue;
            if (n < TOLD)
                listen_to(c->batch[k], one, i);
            list[n++] = (struct running){ one->work, one->started, one->progress,
                                          one->part, &one->moved };
        }
    return n;
}

static void cancel(const struct cluster *c, const char *option, const char *value)
{
    for (size_t k = 0; k < c->n; k++) {
        const struct batch *b = c->batch[k];
        struct buf out = { 0 };

        if (b->n_over < b->n)
            slurm_run((const char *const[]){ "scancel", option, value, b->id, NULL },
                      &out, NULL);
        buf_release(&out);
    }
}

void cluster_drop_queued(struct cluster *c)
{
    c->stopping = true;
    cancel(c, "--state=PENDING", "--quiet");
}

void cluster_signal(struct cluster *c, int signal)
{
    cluster_drop_queued(c);
    if (signal == SIGKILL)
        cancel(c, "--quiet", "--full");
    else /* the larder on the node answers as we do */
        cancel(c, signal == SIGINT ? "--signal=INT" : "--signal=TERM", "--batch");
}
