#include "proof.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/boot.h"
#include "larder/buf.h"
#include "larder/checksum.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "discovered.h"
#include "place.h"
#include "session.h"
#include "state.h"

enum { BOOT_SIZE = 48 };

/* The file: this head, then what every look needs: objects, watches and texts; then what
 * only a look that finds a change needs: steps and outputs. */
static const char magic[16] = "larder-proof 1\n";
struct head {
    char magic[16];
    uint64_t first_sum, second_sum; /* checksums of the two parts; the first with what
                                       follows here */
    uint64_t image;
    char boot[BOOT_SIZE];
    uint64_t n_objects, n_watches, text_size, n_steps, n_outputs;
    uint64_t n_wanted; /* of the steps */
    uint64_t is_whole; /* all of them were done */
    struct fs_state image_state;
};

/* The file of a stored object, or one of those of a tree. Sorted by digest. */
struct object_entry {
    struct digest id;
    uint64_t dev, ino, size;
    int64_t mtime_ns;
    uint32_t mode, step;
};

/* A path, and what must be found there. */
enum watch_kind { WATCH_STATE, WATCH_ABSENCE };
enum { OWNER_ALL = -1, OWNER_PLACE = -2 }; /* else the index of a source */
struct watch {
    struct fs_state state;
    uint32_t path; /* offset in the texts */
    int32_t owner;
    uint32_t kind, zero;
};

struct step_entry {
    struct digest key, record;
    uint32_t first, n; /* outputs */
    uint32_t known, here;
};

/* Also as it stands in the file: all-zero where it is padded. */
struct output_entry {
    struct object object;
};

struct proof {
    const unsigned char *at;
    size_t size;
    struct head head;
    const struct object_entry *object;
    const struct watch *watch;
    const char *text;
    const struct step_entry *step; /* NULL: the second part was not looked at */
    const struct output_entry *output;
    bool *bad_step;   /* [n_steps] one of its objects is not as it was; NULL: none is */
    bool *bad_source; /* [n_sources] likewise */
    size_t n_sources;
    bool bad_all, bad_place;
    bool any; /* but for placed files: something is not as it was */
    bool second_tried;
};

/* ---- reading ----------------------------------------------------------------------- */

static size_t first_size(const struct head *h)
{
    return h->n_objects * sizeof(struct object_entry) +
           h->n_watches * sizeof(struct watch) + h->text_size;
}

static size_t second_size(const struct head *h)
{
    return h->n_steps * sizeof(struct step_entry) +
           h->n_outputs * sizeof(struct output_entry);
}

/* Of what follows the two sums in the head. */
static uint64_t head_sum(const struct head *h)
{
    size_t skip = offsetof(struct head, image);

    return checksum((const char *)h + skip, sizeof *h - skip);
}

static uint64_t sum_of_parts(const struct iovec *part, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum = sum * 3 + checksum(part[i].iov_base, part[i].iov_len);
    return sum;
}

static bool has_sane_counts(const struct head *h, size_t size)
{
    uint64_t most = size / sizeof(struct output_entry) + 1;

    return h->n_objects < most && h->n_watches < most && h->text_size <= size &&
           h->text_size % 8 == 0 && h->n_steps < most && h->n_outputs < most &&
           sizeof *h + first_size(h) + second_size(h) <= size;
}

static uint64_t first_sum(const struct proof *p)
{
    const struct head *h = &p->head;
    struct iovec part[] = {
        { (void *)p->object, h->n_objects * sizeof *p->object },
        { (void *)p->watch, h->n_watches * sizeof *p->watch },
        { (void *)p->text, h->text_size },
    };

    return head_sum(h) ^ sum_of_parts(part, 3);
}

/* Whether the mapped bytes are a proof for this image and boot, up to its second part. */
static bool read_first(struct proof *p, const char *question, uint64_t image)
{
    struct head *h = &p->head;
    const unsigned char *at = p->at + sizeof *h;
    char boot[BOOT_SIZE] = { 0 };

    if (p->size < sizeof *h)
        return false;
    memcpy(h, p->at, sizeof *h);
    snprintf(boot, sizeof boot, "%s", boot_id());
    if (memcmp(h->magic, magic, sizeof magic) || h->image != image ||
        memcmp(h->boot, boot, sizeof boot) || !strcmp(boot, "unknown") ||
        !has_sane_counts(h, p->size))
        return false;
    p->object = (const struct object_entry *)at;
    at += h->n_objects * sizeof *p->object;
    p->watch = (const struct watch *)at;
    at += h->n_watches * sizeof *p->watch;
    p->text = (const char *)at;
    return first_sum(p) == h->first_sum && h->text_size && !p->text[h->text_size - 1] &&
           !strcmp(p->text, question);
}

int proof_open(struct proof **to, const char *path, const char *question, uint64_t image)
{
    struct proof *p = xcalloc(1, sizeof *p);
    struct stat st;
    void *at = MAP_FAILED;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd >= 0)
        close(fd);
    if (at != MAP_FAILED) {
        p->at = at;
        p->size = (size_t)st.st_size;
    }
    if (!p->at || !read_first(p, question, image)) {
        proof_close(p);
        p = NULL;
    }
    *to = p;
    return p ? PROOF_FOUND : PROOF_ABSENT;
}

void proof_close(struct proof *p)
{
    if (!p)
        return;
    if (p->at)
        munmap((void *)p->at, p->size);
    free(p->bad_step);
    free(p->bad_source);
    free(p);
}

/* The steps and outputs; false where they are damaged. */
static bool read_second(struct proof *p)
{
    const unsigned char *at = p->at + sizeof p->head + first_size(&p->head);
    size_t n_steps = p->head.n_steps * sizeof *p->step;
    struct iovec part[] = {
        { (void *)at, n_steps },
        { (void *)(at + n_steps), p->head.n_outputs * sizeof *p->output },
    };

    if (!p->second_tried && sum_of_parts(part, 2) == p->head.second_sum) {
        p->step = part[0].iov_base;
        p->output = part[1].iov_base;
    }
    p->second_tried = true;
    return p->step != NULL;
}

/* ---- looking ----------------------------------------------------------------------- */

static bool is_as_it_was(const struct object_entry *o, struct store *st)
{
    struct fs_state s;

    return store_object_state(st, &o->id, &s, NULL) == FS_FOUND && s.dev == o->dev &&
           s.ino == o->ino && s.size == o->size && s.mtime_ns == o->mtime_ns &&
           s.mode == o->mode;
}

static void check_objects(struct proof *p, struct store *st)
{
    bool good = true;

    for (size_t i = 0; i < p->head.n_objects; i++) {
        const struct object_entry *o = &p->object[i];

        if (i == 0 || !digest_equal(&o->id, &o[-1].id))
            good = is_as_it_was(o, st);
        if (good || o->step >= p->head.n_steps)
            continue;
        if (!p->bad_step)
            p->bad_step = xcalloc(p->head.n_steps, sizeof *p->bad_step);
        p->bad_step[o->step] = p->any = true;
    }
}

/* From the project, where we are: its path is long, and the watches are many. */
static const char *below(const char *path, const char *project, size_t n)
{
    return !strncmp(path, project, n) && path[n] == '/' ? path + n + 1 : path;
}

static bool holds(const struct watch *w, const char *path)
{
    struct fs_state now;
    int rc = fs_stat(path, &now, NULL);

    if (w->kind == WATCH_ABSENCE)
        return rc == FS_ABSENT;
    return rc == FS_FOUND && state_holds(&now, &w->state);
}

static void note_source(struct proof *p, size_t source)
{
    if (source >= p->n_sources) {
        p->bad_source = xrealloc(p->bad_source, source + 1);
        memset(p->bad_source + p->n_sources, 0, source + 1 - p->n_sources);
        p->n_sources = source + 1;
    }
    p->bad_source[source] = true;
}

static void check_watches(struct proof *p, const char *project)
{
    size_t n = strlen(project);

    for (size_t i = 0; i < p->head.n_watches; i++) {
        const struct watch *w = &p->watch[i];

        if (w->path < p->head.text_size && holds(w, below(p->text + w->path, project, n)))
            continue;
        if (w->owner == OWNER_PLACE) {
            p->bad_place = true;
            continue;
        }
        p->any = true;
        if (w->owner < 0)
            p->bad_all = true;
        else
            note_source(p, (size_t)w->owner);
    }
}

void proof_check(struct proof *p, struct store *st, const char *project)
{
    check_watches(p, project);
    check_objects(p, st);
}

const struct fs_state *proof_image_state(const struct proof *p)
{
    return &p->head.image_state;
}

bool proof_stands(const struct proof *p, size_t *n_wanted)
{
    *n_wanted = p->head.n_wanted;
    return p->head.is_whole && !p->any && !p->bad_place;
}

bool proof_stands_but_for_places(const struct proof *p)
{
    return p->head.is_whole && !p->any;
}

static const struct step_entry *find_step(struct proof *p, size_t index)
{
    const struct step_entry *s;

    if (!read_second(p) || index >= p->head.n_steps)
        return NULL;
    s = &p->step[index];
    return s->known && s->first <= p->head.n_outputs &&
                   s->n <= p->head.n_outputs - s->first
               ? s
               : NULL;
}

bool proof_source_stands(const struct proof *p, size_t index)
{
    return index >= p->n_sources || !p->bad_source[index];
}

bool proof_step(struct proof *p, size_t index, struct proof_step *step)
{
    const struct step_entry *s;

    if (p->bad_all || (p->bad_step && index < p->head.n_steps && p->bad_step[index]))
        return false;
    s = find_step(p, index);
    if (!s)
        return false;
    *step =
        (struct proof_step){ s->key, s->record, &p->output[s->first].object, s->here };
    return true;
}

bool proof_has_outputs(struct proof *p, size_t index, const struct object *output,
                       size_t n)
{
    const struct step_entry *s = find_step(p, index);

    if (!s || s->n != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!digest_equal(&p->output[s->first + i].object.id, &output[i].id))
            return false;
    return true;
}

/* ---- writing ------------------------------------------------------------------------
 */

struct writing {
    struct session *s;
    struct proof *old; /* or NULL */
    struct head head;
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
    struct object_entry e;
    struct fs_state st;

    (void)err;
    if (!state_object(w->s->state, &file->id, &st)) {
        w->incomplete = true;
        return 0;
    }
    memset(&e, 0, sizeof e);
    e = (struct object_entry){ file->id,    st.dev,  st.ino, st.size,
                               st.mtime_ns, st.mode, w->step };
    buf_add(&w->objects, &e, sizeof e);
    return 0;
}

static void add_watch(void *self, const char *path, const struct fs_state *state)
{
    struct writing *w = self;
    struct watch e;

    memset(&e, 0, sizeof e);
    e.path = (uint32_t)w->texts.len;
    e.owner = w->owner;
    e.kind = state ? WATCH_STATE : WATCH_ABSENCE;
    if (state)
        state_copy(&e.state, state);
    buf_add(&w->watches, &e, sizeof e);
    buf_add(&w->texts, path, strlen(path) + 1);
}

static void copy_watch(struct writing *w, const struct watch *from)
{
    w->owner = from->owner;
    add_watch(w, w->old->text + from->path,
              from->kind == WATCH_STATE ? &from->state : NULL);
}

static void add_output(struct writing *w, const struct object *o)
{
    struct output_entry e;

    memset(&e, 0, sizeof e);
    e.object.kind = o->kind;
    e.object.id = o->id;
    e.object.size = o->size;
    buf_add(&w->outputs, &e, sizeof e);
}

/* A step that was known has the entries that it had. */
static void copy_step(struct writing *w, size_t index, struct step_entry *e)
{
    const struct step_entry *old = &w->old->step[index];

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
    struct step_entry e;
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

    if (!source || w->is_told[source->index])
        return;
    w->is_told[source->index] = true;
    w->owner = (int32_t)source->index;
    if (!facts_vouch(w->s->facts, source, add_watch, w))
        add_watch(w, source->name, &never);
}

static void tell_sources(struct writing *w, const struct work *work)
{
    const struct step *step = work->step;

    for (size_t i = 0; i < step->n_inputs; i++)
        for (size_t j = 0; j < step->input[i].n_items; j++)
            tell_source(w, step->input[i].item[j].source);
    for (size_t i = 0; i < step->n_code; i++)
        tell_source(w, step->code[i]);
    for (size_t i = 0; i < step->n_tools; i++)
        tell_source(w, step->tool[i].source);
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

    map_set(&w->executables, path, w);
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
    const struct object_entry *x = a, *y = b;
    int order = memcmp(&x->id, &y->id, sizeof x->id);

    return order ? order : (x->step > y->step) - (x->step < y->step);
}

static void add_copied(struct writing *w, const struct object_entry *o, size_t n,
                       struct buf *to)
{
    for (size_t i = 0; i < n; i++)
        if (o[i].step < w->s->plan->n_steps && w->is_copied[o[i].step])
            buf_add(to, &o[i], sizeof o[i]);
}

/* Those of steps that were known, which are sorted, and the others, among them. */
static void merge_objects(struct writing *w)
{
    const struct object_entry *a = w->old ? w->old->object : NULL;
    struct object_entry *b = (struct object_entry *)buf_str(&w->objects);
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
    struct head *h = &w->head;
    const struct buf *b[] = { &w->objects, &w->watches, &w->texts, &w->steps,
                              &w->outputs };
    struct iovec part[6] = { { h, sizeof *h } };

    while (w->texts.len % 8)
        buf_addc(&w->texts, '\0');
    for (size_t i = 0; i < 5; i++)
        part[i + 1] = (struct iovec){ (void *)buf_str(b[i]), b[i]->len };
    h->n_objects = w->objects.len / sizeof(struct object_entry);
    h->n_watches = w->watches.len / sizeof(struct watch);
    h->text_size = w->texts.len;
    h->second_sum = sum_of_parts(part + 4, 2);
    h->first_sum = head_sum(h) ^ sum_of_parts(part + 1, 3);
    return fs_write_parts(path, part, 6, false, err);
}

int proof_write(struct session *s, const char *path, const char *question, uint64_t image,
                struct error *err)
{
    struct writing w = { .s = s, .old = s->proof };
    int rc;

    memcpy(w.head.magic, magic, sizeof magic);
    snprintf(w.head.boot, sizeof w.head.boot, "%s", boot_id());
    w.head.image = image;
    if (s->image)
        state_copy(&w.head.image_state, image_state(s->image));
    w.head.is_whole = true;
    w.head.n_steps = s->plan->n_steps;
    w.is_copied = xcalloc(s->plan->n_steps + 1, sizeof *w.is_copied);
    w.is_told = xcalloc(s->plan->n_sources + 1, sizeof *w.is_told);
    buf_add(&w.texts, question, strlen(question) + 1);
    buf_reserve(&w.steps, s->plan->n_steps * sizeof(struct step_entry));
    if (s->proof)
        buf_reserve(&w.outputs, s->proof->head.n_outputs * sizeof(struct output_entry));
    for (size_t i = 0; i < s->plan->n_steps; i++) {
        add_step(&w, i, &s->work[i]);
        if (s->work[i].wanted && !s->work[i].known)
            tell_sources(&w, &s->work[i]);
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
