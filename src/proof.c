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
#include "larder/checksum.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "prooffile.h"
#include "state.h"

/* ---- reading ----------------------------------------------------------------------- */

static size_t first_size(const struct proof_head *h)
{
    return h->n_objects * sizeof(struct proof_object_entry) +
           h->n_watches * sizeof(struct proof_watch) + h->text_size;
}

static size_t second_size(const struct proof_head *h)
{
    return h->n_steps * sizeof(struct proof_step_entry) +
           h->n_outputs * sizeof(struct proof_output_entry);
}

/* Of what follows the two sums in the head. */
uint64_t proof_head_sum(const struct proof_head *h)
{
    size_t skip = offsetof(struct proof_head, image);

    return checksum((const char *)h + skip, sizeof *h - skip);
}

uint64_t proof_parts_sum(const struct iovec *part, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum = sum * 3 + checksum(part[i].iov_base, part[i].iov_len);
    return sum;
}

static bool has_sane_counts(const struct proof_head *h, size_t size)
{
    uint64_t most = size / sizeof(struct proof_output_entry) + 1;

    return h->n_objects < most && h->n_watches < most && h->text_size <= size &&
           h->text_size % 8 == 0 && h->n_steps < most && h->n_outputs < most &&
           sizeof *h + first_size(h) + second_size(h) <= size;
}

static uint64_t first_sum(const struct proof *p)
{
    const struct proof_head *h = &p->head;
    struct iovec part[] = {
        { (void *)p->object, h->n_objects * sizeof *p->object },
        { (void *)p->watch, h->n_watches * sizeof *p->watch },
        { (void *)p->text, h->text_size },
    };

    return proof_head_sum(h) ^ proof_parts_sum(part, 3);
}

/* Whether the mapped bytes are a proof for this image and boot, up to its second part. */
static bool read_first(struct proof *p, const char *question, uint64_t image)
{
    struct proof_head *h = &p->head;
    const unsigned char *at = p->at + sizeof *h;
    char boot[PROOF_BOOT_SIZE] = { 0 };

    if (p->size < sizeof *h)
        return false;
    memcpy(h, p->at, sizeof *h);
    snprintf(boot, sizeof boot, "%s", boot_id());
    if (memcmp(h->magic, PROOF_MAGIC, sizeof PROOF_MAGIC) || h->image != image ||
        memcmp(h->boot, boot, sizeof boot) || !strcmp(boot, "unknown") ||
        !has_sane_counts(h, p->size))
        return false;
    p->object = (const struct proof_object_entry *)at;
    at += h->n_objects * sizeof *p->object;
    p->watch = (const struct proof_watch *)at;
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

    if (!p->second_tried && proof_parts_sum(part, 2) == p->head.second_sum) {
        p->step = part[0].iov_base;
        p->output = part[1].iov_base;
    }
    p->second_tried = true;
    return p->step != NULL;
}

/* ---- looking ----------------------------------------------------------------------- */

static bool is_as_it_was(const struct proof_object_entry *o, struct store *st)
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
        const struct proof_object_entry *o = &p->object[i];

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

static bool holds(const struct proof_watch *w, const char *path)
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
        const struct proof_watch *w = &p->watch[i];

        if (w->owner == OWNER_PLACE && p->bad_place)
            continue; /* one is enough: who places looks at each */
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

static const struct proof_step_entry *find_step(struct proof *p, size_t index)
{
    const struct proof_step_entry *s;

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
    const struct proof_step_entry *s;

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
    const struct proof_step_entry *s = find_step(p, index);

    if (!s || s->n != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (p->output[s->first + i].object.kind != output[i].kind ||
            !digest_equal(&p->output[s->first + i].object.id, &output[i].id))
            return false;
    return true;
}
