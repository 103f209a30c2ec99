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

int history_latest(struct history *h, const char *own, struct error *err)
{
    struct buf path = { 0 }, text = { 0 };
    long *number = NULL;
    size_t n = 0;
    int rc;

    *h = (struct history){ 0 };
    fs_join(&path, own, "runs");
    rc = list_runs(buf_str(&path), &number, &n, err);
    if (rc < 0 || !n)
        goto out;
    h->number = number[n - 1];
    buf_printf(&path, "/%04ld.tsv", h->number);
    rc = fs_read(buf_str(&path), &text, err);
    for (char *line = rc == 0 ? text.s : NULL; line && *line;) {
        char *end = strchr(line, '\n'), *tab = strchr(line, '\t');

        if (!end || !tab || tab > end)
            break;
        *tab = '\0';
        map_set(&h->outcome, line,
                arena_strndup(&h->arena, tab + 1, strcspn(tab + 1, "\t\n")));
        line = end + 1;
    }
out:
    free(number);
    buf_release(&text);
    buf_release(&path);
    return rc;
}

void history_release(struct history *h)
{
    map_release(&h->outcome);
    arena_release(&h->arena);
    *h = (struct history){ 0 };
}
