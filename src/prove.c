#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "larder/banned.h"
#include "larder/boot.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "discovered.h"
#include "place.h"
#include "prooffile.h"
#include "session.h"
#include "state.h"

struct writing {
    struct session *s;
    struct proof *old; /* or NULL */
    struct proof_head head;
    struct buf objects, watches, texts, steps, outputs;
    uint32_t step;          /* whose objects are being added */
    int32_t owner;          /* of the watches being added */
    bool incomplete;        /* something of the step cannot be vouched for */
    bool *is_copied;        /* [n_steps] its objects are those of the old proof */
    bool *is_told;          /* [n_sources] */
    struct map executables; /* told */
};

static int add_object(void *self, const struct store_file *file, struct error *err)
{
    struct writing *w = self;
    struct proof_object_entry e;
    struct fs_state st;

    (void)err;
    if (!state_object(w->s->state, &file->id, &st)) {
        w->incomplete = true;
        return 0;
    }
    memset(&e, 0, sizeof e);
    e = (struct proof_object_entry){ file->id,    st.dev,  st.ino, st.size,
                                     st.mtime_ns, st.mode, w->step };
    buf_add(&w->objects, &e, sizeof e);
    return 0;
}

static void add_watch(void *self, const char *path, const struct fs_state *state)
{
    struct writing *w = self;
    struct proof_watch e;

    memset(&e, 0, sizeof e);
    e.path = (uint32_t)w->texts.len;
    e.owner = w->owner;
    e.kind = state ? WATCH_STATE : WATCH_ABSENCE;
    if (state)
        state_copy(&e.state, state);
    buf_add(&w->watches, &e, sizeof e);
    buf_add(&w->texts, path, strlen(path) + 1);
}

static void copy_watch(struct writing *w, const struct proof_watch *from)
{
    w->owner = from->owner;
    add_watch(w, w->old->text + from->path,
              from->kind == WATCH_STATE ? &from->state : NULL);
}

static void add_output(struct writing *w, const struct object *o)
{
    struct proof_output_entry e;

    memset(&e, 0, sizeof e);
    e.object.kind = o->kind;
    e.object.id = o->id;
    e.object.size = o->size;
    buf_add(&w->outputs, &e, sizeof e);
}

/* A step that was known has the entries that it had. */
static void copy_step(struct writing *w, size_t index, struct proof_step_entry *e)
{
    const struct proof_step_entry *old = &w->old->step[index];

    *e = *old;
    e->first = (uint32_t)w->head.n_outputs;
    w->head.n_outputs += e->n;
    buf_add(&w->outputs, &w->old->output[old->first], e->n * sizeof *w->old->output);
    w->is_copied[index] = true;
}

/* The objects of a step that ran, or was looked up. */
static void add_objects(struct writing *w, const struct work *work)
{
    for (size_t i = 0; i < work->step->n_outputs; i++)
        if (store_each_file(w->s->store, work_output(work, (int)i), add_object, w, NULL) <
            0)
            w->incomplete = true;
}

static void add_step(struct writing *w, size_t index, const struct work *work)
{
    struct proof_step_entry e;
    size_t objects = w->objects.len;

    w->head.n_wanted += work->wanted;
    if (work->known && w->old) {
        copy_step(w, index, &e);
        buf_add(&w->steps, &e, sizeof e);
        return;
    }
    memset(&e, 0, sizeof e);
    w->step = (uint32_t)index;
    w->incomplete = false;
    if (work->wanted && work->state == WORK_DONE) {
        e.key = work->key;
        e.record = work->record_id;
        e.first = (uint32_t)w->head.n_outputs;
        e.n = (uint32_t)work->step->n_objects;
        e.here = work->here;
        if (work->here)
            add_objects(w, work);
        e.known = !w->incomplete;
    }
    if (work->wanted && !e.known)
        w->head.is_whole = false;
    if (e.known) {
        w->head.n_outputs += e.n;
        for (size_t i = 0; i < e.n; i++)
            add_output(w, work_output(work, (int)i));
    } else {
        buf_cut(&w->objects, objects);
    }
    buf_add(&w->steps, &e, sizeof e);
}

static void tell_source(struct writing *w, const struct source *source)
{
    static const struct fs_state never; /* no file has this state */

    if (w->is_told[source->index])
        return;
    w->is_told[source->index] = true;
    w->owner = (int32_t)source->index;
    if (!facts_vouch(w->s->facts, source, add_watch, w))
        add_watch(w, source->name, &never);
}

/* Sources that nobody asked for in this run: the steps that read them were known. */
static void copy_sources(struct writing *w)
{
    struct proof *p = w->old;

    for (size_t i = 0; p && i < p->head.n_watches; i++) {
        int32_t owner = p->watch[i].owner;

        if (owner < 0 || (size_t)owner >= w->s->plan->n_sources || w->is_told[owner])
            continue;
        copy_watch(w, &p->watch[i]);
    }
}

/* Notes the path, so that the old proof's watch of it is not copied. */
static void add_executable(void *self, const char *path, const struct fs_state *state)
{
    struct writing *w = self;

    if (!map_set(&w->executables, path, w))
        add_watch(w, path, state);
}

/* Records are not looked at one by one: who finds one wrong says so in this file. */
static void tell_doubt(struct writing *w)
{
    struct buf path = { 0 };
    struct fs_state st;

    store_doubt_path(w->s->store, &path);
    add_executable(w, path.s, fs_stat(path.s, &st, NULL) == FS_FOUND ? &st : NULL);
    buf_release(&path);
}

/* Where one of the old ones has changed, no step was known, and all were asked for. */
static void tell_executables(struct writing *w)
{
    struct proof *p = w->old;

    w->owner = OWNER_ALL;
    tell_doubt(w);
    facts_vouch_executables(w->s->facts, add_executable, w);
    discovered_vouch(w->s, add_executable, w);
    for (size_t i = 0; p && !p->bad_all && i < p->head.n_watches; i++)
        if (p->watch[i].owner == OWNER_ALL &&
            !map_get(&w->executables, p->text + p->watch[i].path))
            copy_watch(w, &p->watch[i]);
}

static void tell_places(struct writing *w)
{
    const struct plan *plan = w->s->plan;

    w->owner = OWNER_PLACE;
    for (size_t i = 0; i < plan->n_targets; i++)
        for (size_t k = 0; w->s->target[i] && k < plan->target[i].n_gets; k++)
            places_each(w->s->places, plan->target[i].get[k].to, add_watch, w);
}

static int compare_objects(const void *a, const void *b)
{
    const struct proof_object_entry *x = a, *y = b;
    int order = memcmp(&x->id, &y->id, sizeof x->id);

    return order ? order : (x->step > y->step) - (x->step < y->step);
}

static void add_copied(struct writing *w, const struct proof_object_entry *o, size_t n,
                       struct buf *to)
{
    for (size_t i = 0; i < n; i++)
        if (o[i].step < w->s->plan->n_steps && w->is_copied[o[i].step])
            buf_add(to, &o[i], sizeof o[i]);
}

/* Those of steps that were known, which are sorted, and the others, among them. */
static void merge_objects(struct writing *w)
{
    const struct proof_object_entry *a = w->old ? w->old->object : NULL;
    struct proof_object_entry *b = (struct proof_object_entry *)buf_str(&w->objects);
    size_t n = w->old ? w->old->head.n_objects : 0, m = w->objects.len / sizeof *b;
    struct buf all = { 0 };
    size_t i = 0;

    buf_reserve(&all, n * sizeof *a + w->objects.len);
    if (m)
        qsort(b, m, sizeof *b, compare_objects);
    for (size_t k = 0; k < m; k++) {
        size_t from = i;

        while (i < n && compare_objects(&a[i], &b[k]) < 0)
            i++;
        add_copied(w, a + from, i - from, &all);
        buf_add(&all, &b[k], sizeof *b);
    }
    if (n)
        add_copied(w, a + i, n - i, &all);
    buf_release(&w->objects);
    w->objects = all;
}

static int write_file(struct writing *w, const char *path, struct error *err)
{
    struct proof_head *h = &w->head;
    const struct buf *b[] = { &w->objects, &w->watches, &w->texts, &w->steps,
                              &w->outputs };
    struct iovec part[6] = { { h, sizeof *h } };

    while (w->texts.len % 8)
        buf_addc(&w->texts, '\0');
    for (size_t i = 0; i < 5; i++)
        part[i + 1] = (struct iovec){ (void *)buf_str(b[i]), b[i]->len };
    h->n_objects = w->objects.len / sizeof(struct proof_object_entry);
    h->n_watches = w->watches.len / sizeof(struct proof_watch);
    h->text_size = w->texts.len;
    h->second_sum = proof_parts_sum(part + 4, 2);
    h->first_sum = proof_head_sum(h) ^ proof_parts_sum(part + 1, 3);
    return fs_write_parts(path, part, 6, false, err);
}

int proof_write(struct session *s, const char *path, const char *question, uint64_t image,
                struct error *err)
{
    struct writing w = { .s = s, .old = s->proof };
    int rc;

    memcpy(w.head.magic, PROOF_MAGIC, sizeof PROOF_MAGIC);
    snprintf(w.head.boot, sizeof w.head.boot, "%s", boot_id());
    w.head.image = image;
    if (s->image)
        state_copy(&w.head.image_state, image_state(s->image));
    w.head.is_whole = true;
    w.head.n_steps = s->plan->n_steps;
    w.is_copied = xcalloc(s->plan->n_steps + 1, sizeof *w.is_copied);
    w.is_told = xcalloc(s->plan->n_sources + 1, sizeof *w.is_told);
    buf_add(&w.texts, question, strlen(question) + 1);
    buf_reserve(&w.steps, s->plan->n_steps * sizeof(struct proof_step_entry));
    if (s->proof)
        buf_reserve(&w.outputs,
                    s->proof->head.n_outputs * sizeof(struct proof_output_entry));
    for (size_t i = 0; i < s->plan->n_steps; i++) {
        add_step(&w, i, &s->work[i]);
        if (s->work[i].wanted && !s->work[i].known)
            for (size_t k = 0; k < s->work[i].step->n_sources; k++)
                tell_source(&w, s->work[i].step->source[k]);
    }
    merge_objects(&w);
    copy_sources(&w);
    tell_executables(&w);
    tell_places(&w);
    rc = write_file(&w, path, err);
    free(w.is_copied);
    free(w.is_told);
    map_release(&w.executables);
    buf_release(&w.objects);
    buf_release(&w.watches);
    buf_release(&w.texts);
    buf_release(&w.steps);
    buf_release(&w.outputs);
    return rc;
}
