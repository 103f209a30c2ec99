#include "image.h"

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
#include "larder/mem.h"

#include "plancopy.h"
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
static bool leads_out(const char *end)
{
#ifdef __SANITIZE_ADDRESS__ /* its heap is where short words in small letters point */
    (void)end;
    return false;
#else
    size_t n;
    struct range *range = mapped_ranges(&n);
    bool out = n == 0;

    for (const char *at = base; at < end && !out; at += WORD) {
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

static int write_image(const char *path, const char *question, const char *end,
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
    h.plan_size = round_up((size_t)(end - base));
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
    const char *end;
    int rc;

    if (mmap(base, room, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
             0) != base)
        return error_system(err, "no room to keep the plan");
    end = plan_copy(plan, base, room);
    if (!end || leads_out(end))
        rc = error_set(err, E_SYSTEM, "the plan cannot be kept");
    else
        rc = write_image(path, question, end, witness, id, err);
    munmap(base, room);
    return rc;
}
