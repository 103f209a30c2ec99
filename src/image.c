#include "image.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/checksum.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "state.h"

/* Far from where the system puts anything by itself. */
static char *const base = (char *)0x200000000000;
static const size_t room = (size_t)1 << 36;
enum { PAGE = 4096, WORD = sizeof(uintptr_t) };

/* The file: this head, the question with its NUL, the witness; from the next page on the
 * plan, whose root is at its beginning. */
static const char magic[16] = "larder-plan 1\n";
struct head {
    char magic[16];
    uint64_t checksum;  /* of all that follows it up to the plan */
    uint64_t id;        /* checksum of the plan */
    uint64_t plan_size; /* a multiple of PAGE */
    uint32_t question_size, witness_size;
};

struct image {
    int fd;
    struct fs_state state;
    struct head head;
    bool mapped;
};

/* ---- reading ----------------------------------------------------------------------- */

static size_t round_up(size_t n)
{
    return (n + PAGE - 1) / PAGE * PAGE;
}

static size_t plan_offset(const struct head *h)
{
    return round_up(sizeof *h + h->question_size + h->witness_size);
}

static uint64_t head_checksum(const struct head *h, const char *rest, size_t n)
{
    size_t skip = offsetof(struct head, id);
    struct buf b = { 0 };
    uint64_t sum;

    buf_add(&b, (const char *)h + skip, sizeof *h - skip);
    buf_add(&b, rest, n);
    sum = checksum(b.s, b.len);
    buf_release(&b);
    return sum;
}

static bool read_head(struct image *i, const char *question)
{
    struct head *h = &i->head;
    struct stat st;
    char *rest = NULL;
    size_t n;
    bool good = false;

    if (pread(i->fd, h, sizeof *h, 0) != sizeof *h || fstat(i->fd, &st) < 0 ||
        memcmp(h->magic, magic, sizeof magic) ||
        h->question_size != strlen(question) + 1 ||
        (uint64_t)st.st_size != plan_offset(h) + h->plan_size)
        return false;
    fs_state_of(&st, &i->state);
    n = (size_t)h->question_size + h->witness_size;
    rest = xmalloc(n);
    good = pread(i->fd, rest, n, sizeof *h) == (ssize_t)n &&
           head_checksum(h, rest, n) == h->checksum && !strcmp(rest, question) &&
           witness_holds(rest + h->question_size, h->witness_size);
    free(rest);
    return good;
}

int image_open(struct image **to, const char *path, const char *question)
{
    struct image *i = xcalloc(1, sizeof *i);

    i->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (i->fd < 0 || !read_head(i, question)) {
        image_close(i);
        i = NULL;
    }
    *to = i;
    return i ? IMAGE_FOUND : IMAGE_ABSENT;
}

const struct fs_state *image_state(const struct image *i)
{
    return &i->state;
}

int image_plan(struct image *i, const struct fs_state *known, const struct plan **plan)
{
    size_t size = i->head.plan_size;
    void *at;

    *plan = NULL;
    if (size < sizeof **plan || i->mapped)
        return IMAGE_ABSENT;
    at = mmap(base, size, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, i->fd,
              (off_t)plan_offset(&i->head));
    if (at == MAP_FAILED)
        return IMAGE_ABSENT;
    i->mapped = at == base && ((known && state_same(known, &i->state)) ||
                               checksum(base, size) == i->head.id);
    if (!i->mapped) {
        munmap(at, size);
        return IMAGE_ABSENT;
    }
    *plan = (const struct plan *)base;
    return IMAGE_FOUND;
}

uint64_t image_id(const struct image *i)
{
    return i->head.id;
}

void image_close(struct image *i)
{
    if (!i)
        return;
    if (i->mapped)
        munmap(base, i->head.plan_size);
    if (i->fd >= 0)
        close(i->fd);
    free(i);
}

/* ---- copying a plan -----------------------------------------------------------------
 */

/* A copy being made at the address where it will be mapped. */
struct copy {
    char *end;         /* of what is used */
    struct map texts;  /* text to its copy: many stand in many steps */
    struct map places; /* recipe_text by its path, to its copy */
    struct map programs;
    const struct plan *from;
    struct step *step; /* the copies of from->step, in a row */
    struct source *source;
    bool full;
};

static void *take(struct copy *c, size_t n)
{
    char *at = c->end;

    n = (n + 15) / 16 * 16;
    if (n > (size_t)(base + room - c->end)) {
        c->full = true;
        return base; /* whatever is written there: the copy is thrown away */
    }
    c->end += n;
    return at;
}

static void *take_copy(struct copy *c, const void *from, size_t n)
{
    void *to = take(c, n);

    if (n)
        memcpy(to, from, n);
    return to;
}

static const char *text(struct copy *c, const char *from)
{
    const char *to;

    if (!from)
        return NULL;
    to = map_get(&c->texts, from);
    if (!to) {
        to = take_copy(c, from, strlen(from) + 1);
        map_set(&c->texts, from, (void *)to);
    }
    return to;
}

static const char **texts(struct copy *c, const char *const *from, size_t n)
{
    const char **to = take(c, (n + 1) * sizeof *to);

    for (size_t i = 0; from && i < n; i++)
        to[i] = text(c, from[i]);
    return to;
}

/* The words of the recipe are not kept; a message that shows them reads them again. */
static void copy_pos(struct copy *c, struct pos *pos)
{
    const struct recipe_text *from = pos->text;
    struct recipe_text *to;

    pos->file = text(c, pos->file);
    if (!from)
        return;
    to = map_get(&c->places, from->path);
    if (!to) {
        to = take_copy(c, from, sizeof *from);
        to->file = text(c, from->file);
        to->path = text(c, from->path);
        to->s = NULL;
        to->n = 0;
        map_set(&c->places, from->path, to);
    }
    pos->text = to;
}

/* What a program is called and where it is; its options have been checked. */
static const struct program *copy_program(struct copy *c, const struct program *from)
{
    struct program *to;

    if (!from)
        return NULL;
    to = map_get(&c->programs, from->path);
    if (to)
        return to;
    to = take_copy(c, from, sizeof *from);
    to->name = text(c, from->name);
    to->about = text(c, from->about);
    to->path = text(c, from->path);
    to->option = NULL;
    to->input = to->output = NULL;
    to->n_options = to->n_inputs = to->n_outputs = 0;
    map_set(&c->programs, from->path, to);
    return to;
}

static struct step *copied_step(struct copy *c, const struct step *from)
{
    return from ? &c->step[from->index] : NULL;
}

static struct source *copied_source(struct copy *c, const struct source *from)
{
    return from ? &c->source[from->index] : NULL;
}

static struct step **copy_steps(struct copy *c, struct step *const *from, size_t n)
{
    struct step **to = take(c, (n + 1) * sizeof *to);

    for (size_t i = 0; i < n; i++)
        to[i] = copied_step(c, from[i]);
    return to;
}

static void copy_source(struct copy *c, const struct source *from)
{
    struct source *to = copied_source(c, from);

    *to = *from;
    to->name = text(c, from->name);
    copy_pos(c, &to->pos);
    to->from = texts(c, from->from, from->n_from);
    to->pin.prefix = text(c, from->pin.prefix);
    to->pin.md5 = text(c, from->pin.md5);
    to->pins = text(c, from->pins);
    to->license = text(c, from->license);
    to->user = copy_steps(c, from->user, from->n_users);
    to->missing = text(c, from->missing);
}

static void copy_item(struct copy *c, struct item *to, size_t n_columns)
{
    to->value = to->value ? texts(c, to->value, n_columns) : NULL;
    to->source = copied_source(c, to->source);
    to->step = copied_step(c, to->step);
}

static void copy_input(struct copy *c, struct input *to)
{
    to->name = text(c, to->name);
    copy_pos(c, &to->pos);
    to->column = texts(c, to->column, to->n_columns);
    to->item = take_copy(c, to->item, to->n_items * sizeof *to->item);
    for (size_t i = 0; i < to->n_items; i++)
        copy_item(c, &to->item[i], to->n_columns);
}

static const void *copy_or_null(struct copy *c, const void *from, size_t n)
{
    return from ? take_copy(c, from, n) : NULL;
}

static const struct expect *copy_expect(struct copy *c, const struct expect *from)
{
    struct expect *to;

    if (!from)
        return NULL;
    to = take_copy(c, from, sizeof *from);
    copy_pos(c, &to->pos);
    to->sha256 = copy_or_null(c, from->sha256, sizeof *from->sha256);
    to->records = copy_or_null(c, from->records, sizeof *from->records);
    to->lines = copy_or_null(c, from->lines, sizeof *from->lines);
    return to;
}

static void copy_metrics(struct copy *c, struct step *to)
{
    to->metric = take_copy(c, to->metric, to->n_metrics * sizeof *to->metric);
    for (size_t i = 0; i < to->n_metrics; i++) {
        to->metric[i].name = text(c, to->metric[i].name);
        copy_pos(c, &to->metric[i].pos);
    }
}

static void copy_outputs(struct copy *c, struct step *to)
{
    to->output = take_copy(c, to->output, to->n_outputs * sizeof *to->output);
    for (size_t i = 0; i < to->n_outputs; i++) {
        struct output *o = &to->output[i];

        o->name = text(c, o->name);
        o->path = text(c, o->path);
        copy_pos(c, &o->pos);
        o->expect = copy_expect(c, o->expect);
    }
}

static void copy_options(struct copy *c, struct step *to)
{
    to->option = take_copy(c, to->option, to->n_options * sizeof *to->option);
    for (size_t i = 0; i < to->n_options; i++) {
        struct option_value *o = &to->option[i];

        o->name = text(c, o->name);
        o->type = text(c, o->type);
        o->text = text(c, o->text);
        copy_pos(c, &o->pos);
    }
}

static void copy_arguments(struct copy *c, struct step *to)
{
    to->arg = take_copy(c, to->arg, to->n_args * sizeof *to->arg);
    for (size_t i = 0; i < to->n_args; i++) {
        struct arg *a = &to->arg[i];

        a->word = take_copy(c, a->word, a->n_words * sizeof *a->word);
        for (size_t k = 0; k < a->n_words; k++)
            a->word[k].text = text(c, a->word[k].text);
    }
}

static void copy_code(struct copy *c, struct step *to)
{
    struct source **code = take(c, (to->n_code + 1) * sizeof *code);

    for (size_t i = 0; i < to->n_code; i++)
        code[i] = copied_source(c, to->code[i]);
    to->code = code;
    to->code_path = texts(c, to->code_path, to->n_code);
}

static void copy_tools(struct copy *c, struct step *to)
{
    to->tool = take_copy(c, to->tool, to->n_tools * sizeof *to->tool);
    for (size_t i = 0; i < to->n_tools; i++) {
        struct tool *t = &to->tool[i];

        t->name = text(c, t->name);
        copy_pos(c, &t->pos);
        t->source = copied_source(c, t->source);
        t->path = text(c, t->path);
    }
}

static void copy_step(struct copy *c, const struct step *from)
{
    struct step *to = copied_step(c, from);

    *to = *from;
    to->name = text(c, from->name);
    to->stage = text(c, from->stage);
    copy_pos(c, &to->pos);
    to->axis = texts(c, from->axis, from->n_axes);
    to->value = texts(c, from->value, from->n_axes);
    to->program = copy_program(c, from->program);
    to->executable = text(c, from->executable);
    copy_arguments(c, to);
    copy_code(c, to);
    copy_tools(c, to);
    copy_options(c, to);
    to->env = texts(c, from->env, from->n_env);
    to->env_value = texts(c, from->env_value, from->n_env);
    to->input = take_copy(c, from->input, from->n_inputs * sizeof *to->input);
    for (size_t i = 0; i < to->n_inputs; i++)
        copy_input(c, &to->input[i]);
    copy_outputs(c, to);
    copy_metrics(c, to);
    to->need = copy_steps(c, from->need, from->n_needs);
    to->user = copy_steps(c, from->user, from->n_users);
}

/* The steps of all shards have one list. */
static void share_parts(struct copy *c, const struct step *first)
{
    struct step **part = copy_steps(c, first->part, first->n_parts);

    for (size_t i = 0; i < first->n_parts; i++)
        part[i]->part = part;
}

static void copy_target(struct copy *c, struct target *to)
{
    to->name = text(c, to->name);
    copy_pos(c, &to->pos);
    to->step = copy_steps(c, to->step, to->n_steps);
    to->get = take_copy(c, to->get, to->n_gets * sizeof *to->get);
    for (size_t i = 0; i < to->n_gets; i++) {
        struct placement *g = &to->get[i];

        copy_pos(c, &g->pos);
        copy_item(c, &g->item, 0);
        g->to = text(c, g->to);
    }
}

static void copy_plan(struct copy *c, const struct plan *from)
{
    struct plan *to = take_copy(c, from, sizeof *from);

    to->arena = (struct arena){ 0 };
    to->lock_path = text(c, from->lock_path);
    to->lock_file = text(c, from->lock_file);
    c->from = from;
    c->step = take(c, (from->n_steps + 1) * sizeof *c->step);
    c->source = take(c, (from->n_sources + 1) * sizeof *c->source);
    if (c->full)
        return;
    to->source = take(c, (from->n_sources + 1) * sizeof *to->source);
    for (size_t i = 0; i < from->n_sources; i++) {
        to->source[i] = &c->source[i];
        copy_source(c, from->source[i]);
    }
    for (size_t i = 0; i < from->n_steps; i++)
        copy_step(c, from->step[i]);
    for (size_t i = 0; i < from->n_steps; i++)
        if (from->step[i]->n_parts && from->step[i]->shard == 0)
            share_parts(c, from->step[i]);
    to->step = copy_steps(c, from->step, from->n_steps);
    to->by_name = copy_steps(c, from->by_name, from->n_steps);
    to->target = take_copy(c, from->target, from->n_targets * sizeof *to->target);
    for (size_t i = 0; i < to->n_targets; i++)
        copy_target(c, &to->target[i]);
    to->project = text(c, from->project);
    to->standard = text(c, from->standard);
    copy_pos(c, &to->standard_pos);
}

/* ---- no pointer may lead out of it ---------------------------------------------------
 */

#ifndef __SANITIZE_ADDRESS__
struct range {
    uintptr_t start, end;
};

/* What is mapped, sorted, without the copy itself; *n of them, new (free()). */
static struct range *mapped_ranges(size_t *n)
{
    struct buf maps = { 0 };
    struct range *range = NULL;
    size_t cap = 0;

    *n = 0;
    if (fs_read("/proc/self/maps", &maps, NULL) < 0)
        buf_reset(&maps);
    for (const char *s = buf_str(&maps); *s; s += strcspn(s, "\n"), s += *s == '\n') {
        char *end;
        struct range r = { .start = strtoull(s, &end, 16) };

        r.end = *end == '-' ? strtoull(end + 1, NULL, 16) : r.start;
        if (r.start == (uintptr_t)base)
            continue;
        GROW(range, *n + 1, cap);
        range[(*n)++] = r;
    }
    buf_release(&maps);
    return range;
}

static bool is_inside(const struct range *range, size_t n, uintptr_t word)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (word >= range[middle].end)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && word >= range[low].start;
}
#endif

/* Whether any word of the copy looks like an address outside of it: a field that was
 * forgotten above. (Chance makes a digest look like one in less than 1 of 10^9.) */
static bool leads_out(const struct copy *c)
{
#ifdef __SANITIZE_ADDRESS__ /* its heap is where short words in small letters point */
    (void)c;
    return false;
#else
    size_t n;
    struct range *range = mapped_ranges(&n);
    bool out = n == 0;

    for (const char *at = base; at < c->end && !out; at += WORD) {
        uintptr_t word;

        memcpy(&word, at, WORD);
        out = word >= PAGE && is_inside(range, n, word);
    }
    free(range);
    return out;
#endif
}

/* ---- writing ------------------------------------------------------------------------
 */

static int write_image(const char *path, const char *question, const struct copy *c,
                       const struct witness *witness, uint64_t *id, struct error *err)
{
    struct head h = { .question_size = (uint32_t)strlen(question) + 1 };
    struct buf rest = { 0 }, file = { 0 };
    static const char zeros[PAGE];
    int rc;

    memcpy(h.magic, magic, sizeof magic);
    buf_add(&rest, question, h.question_size);
    witness_write(witness, &rest);
    h.witness_size = (uint32_t)(rest.len - h.question_size);
    h.plan_size = round_up((size_t)(c->end - base));
    h.id = checksum(base, h.plan_size);
    h.checksum = head_checksum(&h, rest.s, rest.len);
    buf_add(&file, &h, sizeof h);
    buf_add(&file, rest.s, rest.len);
    buf_add(&file, zeros, plan_offset(&h) - file.len);
    buf_add(&file, base, h.plan_size);
    rc = fs_write(path, file.s, file.len, false, err);
    *id = h.id;
    buf_release(&file);
    buf_release(&rest);
    return rc;
}

int image_write(const char *path, const char *question, const struct plan *plan,
                const struct witness *witness, uint64_t *id, struct error *err)
{
    struct copy c = { .end = base };
    int rc;

    if (mmap(base, room, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
             0) != base)
        return error_system(err, "no room to keep the plan");
    copy_plan(&c, plan);
    if (c.full || leads_out(&c))
        rc = error_set(err, E_SYSTEM, "the plan cannot be kept");
    else
        rc = write_image(path, question, &c, witness, id, err);
    munmap(base, room);
    map_release(&c.programs);
    map_release(&c.places);
    map_release(&c.texts);
    return rc;
}
