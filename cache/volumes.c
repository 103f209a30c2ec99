#include "volumes.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"

enum {
    TAR_BLOCK = 512,
    PAX = 3 * TAR_BLOCK, /* in front of an entry of 8 GiB or more */
    RECORD_LINE = 256,   /* at most: of the contents */
    ATTESTATION_LINE = 320,
    OBJECT_LINE = 128,
    SIGNATURE = 1024,
    TAR_END = 2 * TAR_BLOCK,
};

/* What an entry takes at most. */
static long long entry_size(long long size)
{
    long long rounded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;

    return (size >> 33 ? PAX : 0) + TAR_BLOCK + rounded;
}

/* What is compressed may become larger, by less than this (zstd's own bound). */
static long long spread(long long size)
{
    return size + size / 256 + 1024;
}

/* What each file has, whatever goes in. */
static long long frame_size(const struct contents *c)
{
    struct contents bare = *c;
    struct buf text = { 0 };
    long long size;

    bare.n_records = bare.n_attestations = bare.n_objects = 0;
    bare.volume = 1;
    bare.n_volumes = BUNDLE_VOLUMES_MAX;
    contents_write(&bare, &text);
    size = entry_size((long long)text.len) + entry_size(SIGNATURE) + TAR_END;
    buf_release(&text);
    return size;
}

struct planner {
    struct volumes *v;
    long long max, frame, used;
    long long largest; /* that did not fit */
};

/* What comes before it has been placed. */
static void begin(struct planner *p)
{
    struct volumes *v = p->v;
    struct volume next = { 0 };

    v->volume = xrealloc(v->volume, (v->n + 1) * sizeof *v->volume);
    if (v->n) {
        const struct volume *last = &v->volume[v->n - 1];

        next.record = last->record + last->n_records;
        next.attestation = last->attestation + last->n_attestations;
        next.object = last->object + last->n_objects;
    }
    v->volume[v->n++] = next;
}

/* The volume that something of that size goes into. */
static struct volume *place(struct planner *p, long long size)
{
    bool fits = spread(p->used + size) <= p->max;

    if (!p->max || fits) {
        p->used += size;
        return &p->v->volume[p->v->n - 1];
    }
    if (spread(p->frame + size) > p->max && size > p->largest)
        p->largest = size;
    begin(p);
    p->used = p->frame + size;
    return &p->v->volume[p->v->n - 1];
}

static int refuse(const struct planner *p, struct error *err)
{
    if (p->largest)
        return error_set(err, E_USAGE,
                         "something in the bundle is larger than a file may be: use "
                         "--max-size=%lld or more",
                         spread(p->frame + p->largest));
    if (p->v->n > BUNDLE_VOLUMES_MAX)
        return error_set(err, E_USAGE,
                         "the bundle would be %zu files, and %d are the most: give a "
                         "larger --max-size",
                         p->v->n, BUNDLE_VOLUMES_MAX);
    return 0;
}

int volumes_plan(struct volumes *v, const struct contents *c, long long max,
                 struct error *err)
{
    struct planner p = { .v = v, .max = max, .frame = frame_size(c) };

    p.used = p.frame;
    begin(&p);
    for (size_t i = 0; i < c->n_records; i++)
        place(&p, RECORD_LINE + entry_size(c->record[i].size))->n_records++;
    for (size_t i = 0; i < c->n_attestations; i++)
        place(&p, ATTESTATION_LINE + entry_size(c->attestation[i].size))
            ->n_attestations++;
    for (size_t i = 0; i < c->n_objects; i++)
        place(&p, OBJECT_LINE + entry_size(c->object[i].size))->n_objects++;
    return refuse(&p, err);
}

void volumes_release(struct volumes *v)
{
    free(v->volume);
    *v = (struct volumes){ 0 };
}

struct contents volumes_contents(const struct volumes *v, const struct contents *c,
                                 size_t i, const struct digest *whole)
{
    struct contents part = *c;

    part.volume = (int)i + 1;
    part.n_volumes = (int)v->n;
    part.whole = *whole;
    part.record += v->volume[i].record;
    part.attestation += v->volume[i].attestation;
    part.object += v->volume[i].object;
    part.n_records = v->volume[i].n_records;
    part.n_attestations = v->volume[i].n_attestations;
    part.n_objects = v->volume[i].n_objects;
    return part;
}

void volumes_join(const struct contents *const *part, size_t n, struct digest *whole)
{
    struct contents all = { .closure = part[0]->closure, .volume = 1, .n_volumes = 1 };
    struct buf text = { 0 };

    for (size_t i = 0; i < part[0]->n_targets; i++)
        contents_add_target(&all, &part[0]->target[i]);
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < part[k]->n_records; i++)
            contents_add_record(&all, &part[k]->record[i]);
        for (size_t i = 0; i < part[k]->n_attestations; i++)
            contents_add_attestation(&all, &part[k]->attestation[i]);
        for (size_t i = 0; i < part[k]->n_objects; i++)
            contents_add_object(&all, &part[k]->object[i]);
    }
    contents_write(&all, &text);
    digest_bytes(whole, buf_str(&text), text.len);
    buf_release(&text);
    contents_release(&all);
}

void volumes_name(const char *path, size_t i, struct buf *to)
{
    static const char end[] = ".tar.zst";
    size_t n = strlen(path);
    bool ends = n > strlen(end) && !strcmp(path + n - strlen(end), end);

    if (ends)
        n -= strlen(end);
    buf_add(to, path, n);
    buf_printf(to, ".%03zu%s", i + 1, ends ? end : "");
}
