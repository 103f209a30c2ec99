#include "larder/segments.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "larder/checkpoint.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "layout.h"
#include "scan.h"

#include "larder/banned.h"

enum { SEGMENTS_MAX = 1000000 };

static const char *const end_name[N_SEGMENT_ENDS] = {
    [SEGMENT_KILLED] = "killed",       [SEGMENT_STOPPED] = "stopped",
    [SEGMENT_FAILED] = "failed",       [SEGMENT_LATE] = "late",
    [SEGMENT_SILENT] = "silent",       [SEGMENT_TRANSIENT] = "transient",
    [SEGMENT_PREEMPTED] = "preempted", [SEGMENT_OOM] = "oom",
    [SEGMENT_DONE] = "done",
};

const char *segment_end_name(enum segment_end end)
{
    return end_name[end];
}

void segment_write(const struct segment *g, struct buf *to)
{
    assert(g->began >= 0 && isfinite(g->wall) && g->wall >= 0);
    buf_printf(to, "segment %lld ", g->began);
    buf_add_double(to, g->wall);
    buf_printf(to, " %s\n", end_name[g->end]);
}

/* What follows "segment ". */
static bool scan_segment(struct scan *from, struct segment *g)
{
    int end = 0;

    if (!scan_number(from, &g->began) || !scan_text(from, " ") ||
        !scan_double(from, &g->wall) || !scan_text(from, " "))
        return false;
    while (end < N_SEGMENT_ENDS && !scan_text(from, end_name[end]))
        end++;
    g->end = (enum segment_end)end;
    return end < N_SEGMENT_ENDS && scan_newline(from);
}

bool segments_scan(struct segments *s, struct scan *from)
{
    while (scan_text(from, "segment ")) {
        struct segment g;

        if (s->n == SEGMENTS_MAX || !scan_segment(from, &g))
            return false;
        GROW(s->segment, s->n + 1, s->cap);
        s->segment[s->n++] = g;
    }
    return true;
}

static void notes_path(struct store *st, const struct digest *key, struct buf *path)
{
    layout_checkpoint(st, key, path);
    buf_adds(path, ".segments");
}

/* What was noted before; nothing where nothing was, or no notes. */
static int read_notes(struct segments *s, const char *path, struct error *err)
{
    struct buf text = { 0 };
    struct scan scan;
    int rc = fs_read(path, &text, err);

    if (rc < 0 && (errno == ENOENT || errno == ENOTDIR))
        rc = 0;
    scan_start(&scan, buf_str(&text), text.len);
    if (!segments_scan(s, &scan) || !scan_done(&scan))
        s->n = 0;
    buf_release(&text);
    return rc;
}

static int write_notes(const struct segments *s, const char *path, struct error *err)
{
    struct buf text = { 0 };
    int rc;

    for (size_t i = 0; i < s->n; i++)
        segment_write(&s->segment[i], &text);
    rc = fs_write(path, buf_str(&text), text.len, false, err);
    buf_release(&text);
    return rc;
}

/* The folder has something in it that no note tells of: at least one start was before. */
static void note_unknown(struct segments *s, time_t written)
{
    GROW(s->segment, 1, s->cap);
    s->segment[s->n++] = (struct segment){ .began = written };
}

int segments_begin(struct segments *s, struct store *st, const struct digest *key,
                   bool resumed, struct error *err)
{
    time_t written = checkpoint_written(st, key);
    struct buf path = { 0 };
    struct segment *last;
    int rc = 0;

    *s = (struct segments){ 0 };
    notes_path(st, key, &path);
    if (resumed)
        rc = read_notes(s, buf_str(&path), err);
    if (rc < 0)
        goto out;
    if (resumed) {
        if (s->n == 0)
            note_unknown(s, written);
        last = &s->segment[s->n - 1];
        if (last->end == SEGMENT_KILLED && written > last->began)
            last->wall = (double)(written - last->began);
    }
    GROW(s->segment, s->n + 1, s->cap);
    s->segment[s->n++] = (struct segment){ .began = time(NULL) };
    rc = write_notes(s, buf_str(&path), err);
out:
    buf_release(&path);
    return rc;
}

int segments_end(struct segments *s, struct store *st, const struct digest *key,
                 double wall, enum segment_end end, struct error *err)
{
    struct buf path = { 0 };
    int rc;

    if (s->n == 0)
        return 0;
    s->segment[s->n - 1].wall = wall;
    s->segment[s->n - 1].end = end;
    notes_path(st, key, &path);
    rc = write_notes(s, buf_str(&path), err);
    buf_release(&path);
    return rc;
}

void segments_release(struct segments *s)
{
    free(s->segment);
    *s = (struct segments){ 0 };
}
