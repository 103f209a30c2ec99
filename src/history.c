#include "history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

enum { KEPT = 30 };

/* The number of "0012.tsv", or 0. */
static long number_of(const char *name)
{
    char *end;
    long n = strtol(name, &end, 10);

    return n > 0 && !strcmp(end, ".tsv") ? n : 0;
}

static const char *outcome(const struct work *w)
{
    switch (w->state) {
    case WORK_DONE:
        return w->ran ? "ran" : w->fetched ? "fetched" : "reused";
    case WORK_FAILED:
        return "failed";
    default:
        return "skipped";
    }
}

static void add_digest(struct buf *to, const struct digest *d, const char *prefix)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(to, "\t%s%s", d ? prefix : "", d ? digest_hex(d, hex) : "");
}

static void write_row(const struct work *w, struct buf *to)
{
    const struct digest *log = w->has_failed_log ? &w->failed_log
                               : w->record       ? &w->record->log.id
                                                 : NULL;

    buf_add_escaped(to, w->step->name);
    buf_printf(to, "\t%s", outcome(w));
    add_digest(to, w->key_text.len || w->known ? &w->key : NULL, "sha256:");
    add_digest(to, w->state == WORK_DONE ? &w->record_id : NULL, "sha256:");
    buf_printf(to, "\t%.3f\t", w->seconds);
    buf_add_escaped(to, w->reason ? w->reason : "");
    add_digest(to, log, "sha256:");
    buf_addc(to, '\n');
}

/* Sorted by number; *n of them, new (free()). */
static int list_runs(const char *folder, long **numbers, size_t *n, struct error *err)
{
    char **name = NULL;
    size_t n_names = 0;
    int rc = 0;

    *n = 0;
    *numbers = NULL;
    if (!fs_exists(folder))
        return 0;
    rc = fs_list(folder, &name, &n_names, err);
    if (rc < 0)
        return rc;
    *numbers = xcalloc(n_names + 1, sizeof **numbers);
    for (size_t i = 0; i < n_names; i++) {
        size_t k = *n;
        long number = number_of(name[i]);

        if (!number)
            continue;
        for (; k > 0 && (*numbers)[k - 1] > number;
             k--) /* "10000.tsv" sorts before "2000" */
            (*numbers)[k] = (*numbers)[k - 1];
        (*numbers)[k] = number;
        ++*n;
    }
    free(name);
    return 0;
}

/* Gives the file the first free number from `number` on: another run may take one. */
static int publish(const char *folder, const char *part, long number, struct error *err)
{
    struct buf path = { 0 };
    int rc;

    do {
        buf_reset(&path);
        buf_printf(&path, "%s/%04ld.tsv", folder, number++);
        rc = fs_link(part, buf_str(&path), err);
    } while (rc < 0 && errno == EEXIST);
    buf_release(&path);
    return rc;
}

int history_add(const struct session *s, struct error *err)
{
    struct buf folder = { 0 }, part = { 0 }, text = { 0 }, old = { 0 };
    long *number = NULL;
    size_t n = 0;
    int rc;

    fs_join(&folder, s->own, "runs");
    buf_printf(&part, "%s/.%ld", buf_str(&folder), (long)getpid());
    buf_adds(&text, "step\toutcome\tkey\trecord\tseconds\treason\tlog\n");
    for (size_t i = 0; i < s->plan->n_steps; i++)
        if (s->work[i].wanted && !s->work[i].known)
            write_row(&s->work[i], &text);
    rc = fs_mkdirs(folder.s, err);
    if (rc == 0)
        rc = list_runs(folder.s, &number, &n, err);
    if (rc == 0)
        rc = fs_write(part.s, text.s, text.len, false, err);
    if (rc == 0)
        rc = publish(folder.s, part.s, n ? number[n - 1] + 1 : 1, err);
    fs_remove(part.s, NULL);
    for (size_t i = 0; i + KEPT <= n && rc == 0; i++) { /* one has just been added */
        buf_reset(&old);
        buf_printf(&old, "%s/%04ld.tsv", folder.s, number[i]);
        rc = fs_remove(buf_str(&old), err);
    }
    free(number);
    buf_release(&old);
    buf_release(&text);
    buf_release(&part);
    buf_release(&folder);
    return rc;
}

int history_numbers(const char *own, long **number, size_t *n, struct error *err)
{
    struct buf folder = { 0 };
    int rc;

    fs_join(&folder, own, "runs");
    rc = list_runs(buf_str(&folder), number, n, err);
    buf_release(&folder);
    return rc;
}

static bool read_digest(const char *text, struct digest *d)
{
    static const char prefix[] = "sha256:";

    return strncmp(text, prefix, sizeof prefix - 1) == 0 &&
           digest_parse(d, text + sizeof prefix - 1);
}

/* A line, which is cut into its fields; one with too few is passed over. */
static void take_row(struct history *h, char *line)
{
    enum { STEP, OUTCOME, KEY, RECORD, SECONDS, REASON, FIELDS };
    struct history_row *row = arena_alloc(&h->arena, sizeof *row);
    char *field[FIELDS], *rest = line;

    for (int i = 0; i < FIELDS; i++) {
        field[i] = strsep(&rest, "\t");
        if (field[i] == NULL)
            return;
    }
    *row = (struct history_row){
        .outcome = arena_strdup(&h->arena, field[OUTCOME]),
        .reason = arena_strdup(&h->arena, field[REASON]),
        .seconds = strtod(field[SECONDS], NULL),
    };
    row->has_key = read_digest(field[KEY], &row->key);
    row->has_record = read_digest(field[RECORD], &row->record);
    map_set(&h->row, field[STEP], row);
}

static int read_run(struct history *h, const char *own, long number, struct error *err)
{
    struct buf path = { 0 }, text = { 0 };
    struct fs_state state;
    char *line, *rest;
    int rc;

    fs_join(&path, own, "runs");
    buf_printf(&path, "/%04ld.tsv", number);
    rc = fs_stat(path.s, &state, err);
    if (rc == FS_FOUND)
        rc = fs_read(path.s, &text, err);
    h->number = number;
    h->when = rc == 0 ? state.mtime_ns / 1000000000 : 0;
    rest = rc == 0 ? text.s : NULL;
    strsep(&rest, "\n"); /* the header */
    while ((line = strsep(&rest, "\n")) != NULL)
        take_row(h, line);
    buf_release(&text);
    buf_release(&path);
    return rc < 0 ? rc : 0;
}

int history_latest(struct history *h, const char *own, struct error *err)
{
    long *number = NULL;
    size_t n = 0;
    int rc = history_numbers(own, &number, &n, err);

    *h = (struct history){ 0 };
    if (rc == 0 && n > 0)
        rc = read_run(h, own, number[n - 1], err);
    free(number);
    return rc;
}

int history_until(struct history *h, const char *own, long number, struct error *err)
{
    long *kept = NULL;
    size_t n = 0;
    int rc = history_numbers(own, &kept, &n, err);

    *h = (struct history){ 0 };
    for (size_t i = 0; i < n && kept[i] <= number && rc == 0; i++)
        rc = read_run(h, own, kept[i], err);
    if (rc == 0 && n == 0)
        rc = error_set(err, E_USAGE, "there is no run %ld: none is kept", number);
    else if (rc == 0 && h->number != number)
        rc =
            error_set(err, E_USAGE, "there is no run %ld: those from %ld to %ld are kept",
                      number, kept[0], kept[n - 1]);
    free(kept);
    return rc;
}

void history_release(struct history *h)
{
    map_release(&h->row);
    arena_release(&h->arena);
    *h = (struct history){ 0 };
}
