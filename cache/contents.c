#include "larder/contents.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "attested.h"
#include "envelope.h"
#include "larder/formats.h"
#include "scan.h"

#include "larder/banned.h"

/* The first line where there are no attestations: as it was before there could be any. */
#define FORMAT_BUNDLE_BARE "larder-bundle 1"

const char *const closure_name[] = { [CLOSURE_RECORDS] = "records",
                                     [CLOSURE_OUTPUTS] = "outputs",
                                     [CLOSURE_ALL] = "all",
                                     NULL };

static const char *const kind_word[] = {
    [OBJECT_FILE] = "file ", [OBJECT_TREE] = "tree ", [OBJECT_EXEC] = "exec "
};

void contents_release(struct contents *c)
{
    free(c->target);
    free(c->record);
    free(c->attestation);
    free(c->object);
    arena_release(&c->arena);
    *c = (struct contents){ 0 };
}

void contents_add_target(struct contents *c, const struct bundle_target *t)
{
    GROW(c->target, c->n_targets + 1, c->cap_targets);
    c->target[c->n_targets++] = *t;
}

void contents_add_record(struct contents *c, const struct bundle_record *r)
{
    GROW(c->record, c->n_records + 1, c->cap_records);
    c->record[c->n_records++] = *r;
}

void contents_add_attestation(struct contents *c, const struct bundle_attestation *a)
{
    GROW(c->attestation, c->n_attestations + 1, c->cap_attestations);
    c->attestation[c->n_attestations++] = *a;
}

void contents_add_object(struct contents *c, const struct bundle_object *o)
{
    GROW(c->object, c->n_objects + 1, c->cap_objects);
    c->object[c->n_objects++] = *o;
}

/* ---- order ------------------------------------------------------------------------- */

/* What is not there comes first. */
static int compare_texts(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static int compare_targets(const void *a, const void *b)
{
    const struct bundle_target *x = a, *y = b;
    int order = strcmp(x->step, y->step);

    if (!order)
        order = strcmp(x->output, y->output);
    if (!order)
        order = compare_texts(x->path, y->path);
    return order ? order : compare_texts(x->cell, y->cell);
}

static int compare_records(const void *a, const void *b)
{
    const struct bundle_record *x = a, *y = b;
    int order = digest_compare(&x->key, &y->key);

    return order ? order : strcmp(x->by.text, y->by.text);
}

static int compare_attestations(const void *a, const void *b)
{
    const struct bundle_attestation *x = a, *y = b;
    int order = digest_compare(&x->key, &y->key);

    if (!order)
        order = digest_compare(&x->record, &y->record);
    return order ? order : strcmp(x->by.text, y->by.text);
}

static int compare_objects(const void *a, const void *b)
{
    const struct bundle_object *x = a, *y = b;

    return digest_compare(&x->id, &y->id);
}

/* The number of those that stay. */
static size_t sort(void *list, size_t n, size_t size,
                   int (*compare)(const void *, const void *))
{
    char *at = list;
    size_t kept = n > 0;

    if (n)
        qsort(list, n, size, compare);
    for (size_t i = 1; i < n; i++)
        if (compare(at + (kept - 1) * size, at + i * size) != 0)
            memmove(at + kept++ * size, at + i * size, size);
    return kept;
}

void contents_sort(struct contents *c)
{
    c->n_targets = sort(c->target, c->n_targets, sizeof *c->target, compare_targets);
    c->n_records = sort(c->record, c->n_records, sizeof *c->record, compare_records);
    c->n_attestations = sort(c->attestation, c->n_attestations, sizeof *c->attestation,
                             compare_attestations);
    c->n_objects = sort(c->object, c->n_objects, sizeof *c->object, compare_objects);
}

long long contents_size(const struct contents *c)
{
    long long size = 0;

    for (size_t i = 0; i < c->n_records; i++)
        size += c->record[i].size;
    for (size_t i = 0; i < c->n_attestations; i++)
        size += c->attestation[i].size;
    for (size_t i = 0; i < c->n_objects; i++)
        size += c->object[i].size;
    return size;
}

/* ---- writing ----------------------------------------------------------------------- */

static void write_object(const struct object *o, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(to, "%s%lld sha256:%s ", kind_word[o->kind], o->size,
               digest_hex(&o->id, hex));
}

static void write_text(const char *field, const char *text, struct buf *to)
{
    buf_adds(to, field);
    buf_add_escaped(to, text);
    buf_addc(to, '\n');
}

static void write_target(const struct bundle_target *t, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(to, "target sha256:%s ", digest_hex(&t->key, hex));
    write_text("", t->step, to);
    buf_adds(to, "output ");
    write_object(&t->object, to);
    write_text("", t->output, to);
    for (size_t i = 0; i < t->n_folders; i++)
        buf_printf(to, "folder sha256:%s\n", digest_hex(&t->folder[i], hex));
    if (t->path) {
        buf_adds(to, "in ");
        write_object(&t->file, to);
        write_text("", t->path, to);
    }
    if (t->cell) {
        write_text("cell ", t->cell, to);
        write_text("value ", t->value, to);
    }
}

static void write_attestation(const struct bundle_attestation *a, struct buf *to)
{
    char key[DIGEST_HEX + 1], record[DIGEST_HEX + 1], hex[DIGEST_HEX + 1];

    buf_printf(to, "attestation sha256:%s sha256:%s %s %lld sha256:%s\n",
               digest_hex(&a->key, key), digest_hex(&a->record, record), a->by.text,
               a->size, digest_hex(&a->id, hex));
}

void contents_write(const struct contents *c, struct buf *to)
{
    char hex[DIGEST_HEX + 1], key[DIGEST_HEX + 1];

    buf_printf(to, "%s\nclosure %s\nvolume %d of %d\n",
               c->n_attestations ? FORMAT_BUNDLE : FORMAT_BUNDLE_BARE,
               closure_name[c->closure], c->volume, c->n_volumes);
    if (c->n_volumes > 1)
        buf_printf(to, "whole sha256:%s\n", digest_hex(&c->whole, hex));
    for (size_t i = 0; i < c->n_targets; i++)
        write_target(&c->target[i], to);
    for (size_t i = 0; i < c->n_records; i++)
        buf_printf(to, "record sha256:%s %s %lld sha256:%s\n",
                   digest_hex(&c->record[i].key, key), c->record[i].by.text,
                   c->record[i].size, digest_hex(&c->record[i].id, hex));
    for (size_t i = 0; i < c->n_attestations; i++)
        write_attestation(&c->attestation[i], to);
    for (size_t i = 0; i < c->n_objects; i++)
        buf_printf(to, "object sha256:%s %lld\n", digest_hex(&c->object[i].id, hex),
                   c->object[i].size);
}

/* ---- reading ----------------------------------------------------------------------- */

static bool read_object(struct scan *s, struct object *o)
{
    if (scan_text(s, kind_word[OBJECT_FILE]))
        o->kind = OBJECT_FILE;
    else if (scan_text(s, kind_word[OBJECT_TREE]))
        o->kind = OBJECT_TREE;
    else if (scan_text(s, kind_word[OBJECT_EXEC]))
        o->kind = OBJECT_EXEC;
    else
        return false;
    return scan_number(s, &o->size) && scan_text(s, " ") && scan_digest(s, &o->id) &&
           scan_text(s, " ");
}

static bool read_text(struct scan *s, struct arena *arena, const char **text)
{
    *text = scan_escaped(s, arena);
    return *text && scan_newline(s);
}

static bool read_volume(struct scan *s, struct contents *c)
{
    long long volume, of;

    if (!scan_text(s, "volume ") || !scan_number(s, &volume) || !scan_text(s, " of ") ||
        !scan_number(s, &of) || !scan_newline(s) || volume < 1 || volume > of ||
        of > BUNDLE_VOLUMES_MAX)
        return false;
    c->volume = (int)volume;
    c->n_volumes = (int)of;
    return of == 1 ||
           (scan_text(s, "whole ") && scan_digest(s, &c->whole) && scan_newline(s));
}

static bool read_closure(struct scan *s, struct contents *c)
{
    if (!scan_text(s, "closure "))
        return false;
    for (int i = 0; closure_name[i]; i++)
        if (scan_text(s, closure_name[i])) {
            c->closure = (enum closure)i;
            return scan_newline(s);
        }
    return false;
}

static bool read_folders(struct scan *s, struct contents *c, struct bundle_target *t)
{
    struct digest folder[BUNDLE_FOLDERS_MAX];

    while (scan_text(s, "folder ")) {
        if (t->n_folders == BUNDLE_FOLDERS_MAX ||
            !scan_digest(s, &folder[t->n_folders++]) || !scan_newline(s))
            return false;
    }
    t->folder = arena_alloc(&c->arena, (t->n_folders + 1) * sizeof *t->folder);
    memcpy(t->folder, folder, t->n_folders * sizeof *t->folder);
    return true;
}

/* A file of an output, or the whole output, and a cell of either. */
static bool read_part(struct scan *s, struct contents *c, struct bundle_target *t)
{
    if (!read_folders(s, c, t))
        return false;
    if (scan_text(s, "in ")) {
        if (t->object.kind != OBJECT_TREE || !read_object(s, &t->file) ||
            t->file.kind == OBJECT_TREE || !read_text(s, &c->arena, &t->path))
            return false;
    } else if (t->n_folders) {
        return false;
    }
    if (!scan_text(s, "cell "))
        return true;
    return (t->path || t->object.kind != OBJECT_TREE) &&
           read_text(s, &c->arena, &t->cell) && scan_text(s, "value ") &&
           read_text(s, &c->arena, &t->value);
}

static bool read_target(struct scan *s, struct contents *c)
{
    struct bundle_target t = { 0 };

    if (!scan_digest(s, &t.key) || !scan_text(s, " ") ||
        !read_text(s, &c->arena, &t.step) || !scan_text(s, "output ") ||
        !read_object(s, &t.object) || !read_text(s, &c->arena, &t.output) ||
        !read_part(s, c, &t))
        return false;
    contents_add_target(c, &t);
    return c->n_targets == 1 || compare_targets(&c->target[c->n_targets - 2], &t) < 0;
}

static bool read_signer(struct scan *s, struct key_id *by)
{
    char text[KEY_ID_HEX + 1];

    if (s->end - s->at < KEY_ID_HEX)
        return false;
    memcpy(text, s->at, KEY_ID_HEX);
    text[KEY_ID_HEX] = '\0';
    s->at += KEY_ID_HEX;
    return key_id_parse(by, text);
}

static bool read_record(struct scan *s, struct contents *c)
{
    struct bundle_record r;

    if (!scan_digest(s, &r.key) || !scan_text(s, " ") || !read_signer(s, &r.by) ||
        !scan_text(s, " ") || !scan_number(s, &r.size) || !scan_text(s, " ") ||
        !scan_digest(s, &r.id) || !scan_newline(s) || r.size > ENVELOPE_MAX)
        return false;
    contents_add_record(c, &r);
    return c->n_records == 1 || compare_records(&c->record[c->n_records - 2], &r) < 0;
}

/* Whether the last one is one more of its record than there may be. */
static bool is_crowded(const struct contents *c)
{
    const struct bundle_attestation *first, *last;

    if (c->n_attestations <= BUNDLE_ATTESTATIONS_MAX)
        return false;
    last = &c->attestation[c->n_attestations - 1];
    first = last - BUNDLE_ATTESTATIONS_MAX;
    return digest_equal(&first->key, &last->key) &&
           digest_equal(&first->record, &last->record);
}

static bool read_attestation(struct scan *s, struct contents *c)
{
    struct bundle_attestation a;

    if (!scan_digest(s, &a.key) || !scan_text(s, " ") || !scan_digest(s, &a.record) ||
        !scan_text(s, " ") || !read_signer(s, &a.by) || !scan_text(s, " ") ||
        !scan_number(s, &a.size) || !scan_text(s, " ") || !scan_digest(s, &a.id) ||
        !scan_newline(s) || a.size > ATTESTATION_MAX)
        return false;
    contents_add_attestation(c, &a);
    return c->n_attestations == 1 ||
           (compare_attestations(&c->attestation[c->n_attestations - 2], &a) < 0 &&
            !is_crowded(c));
}

/* *left: how many bytes all of them may still have. */
static bool read_entry(struct scan *s, struct contents *c, long long *left)
{
    struct bundle_object o;

    if (!scan_digest(s, &o.id) || !scan_text(s, " ") || !scan_number(s, &o.size) ||
        !scan_newline(s) || o.size > *left)
        return false;
    *left -= o.size;
    contents_add_object(c, &o);
    return c->n_objects == 1 || compare_objects(&c->object[c->n_objects - 2], &o) < 0;
}

/* A number that is not known is said, for nothing is damaged then. */
static int refuse(const struct contents *c, const struct scan *s, const char *text,
                  size_t n, struct error *err)
{
    static const char name[] = "larder-bundle ";
    const size_t size = sizeof name - 1;

    if (s->line == 1 && n > size && !strncmp(text, name, size))
        return error_set(err, E_CORRUPT,
                         "the number of its format is not 1 or 2, which this version of "
                         "Larder knows");
    if (is_crowded(c))
        return error_set(err, E_CORRUPT,
                         "line %d of the contents of a bundle: a record has at most %d "
                         "attestations",
                         s->line - 1, BUNDLE_ATTESTATIONS_MAX);
    return error_set(err, E_CORRUPT,
                     "line %d of the contents of a bundle: not understood", s->line);
}

int contents_read(struct contents *c, const char *text, size_t n, struct error *err)
{
    long long left = LLONG_MAX / 2;
    struct scan s;
    bool good, bare;

    scan_start(&s, text, n);
    bare = scan_text(&s, FORMAT_BUNDLE_BARE);
    good = (bare || scan_text(&s, FORMAT_BUNDLE)) && scan_newline(&s) &&
           read_closure(&s, c) && read_volume(&s, c);
    while (good && scan_text(&s, "target "))
        good = read_target(&s, c);
    while (good && scan_text(&s, "record "))
        good = read_record(&s, c);
    while (good && !bare && scan_text(&s, "attestation "))
        good = read_attestation(&s, c);
    while (good && scan_text(&s, "object "))
        good = read_entry(&s, c, &left);
    good = good && scan_done(&s) && (c->n_attestations == 0) == bare;
    return good ? 0 : refuse(c, &s, text, n, err);
}
