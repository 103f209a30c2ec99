#include "flatfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
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

enum { DAYS_BEFORE_REFRESH = 7, DAYS_KEPT = 90, MORE_AT_LEAST = 64 * 1024 };

static const char magic[16] = "larder-state 2\n", more_magic[16] = "larder-more 1\n";
static const uint32_t byte_order = 0x01020304;

/* The file: this head, n entries sorted by name, then the bytes they point into. */
struct head {
    char magic[16];
    uint32_t byte_order;
    uint32_t n;
    uint64_t size; /* of the whole file */
    uint64_t id;   /* checksum of all that follows the head; not tried, but a name */
    uint64_t sum;  /* of the fields before */
};

struct entry {
    uint32_t name, name_size; /* offset from the start of the file; without the NUL */
    uint32_t value, size;
    uint32_t day; /* when it was last asked for, to within a week */
    uint32_t sum; /* of name and value */
};

/* The file `PATH.more`: changes since, each with its name and NUL and its value. */
struct more_head {
    char magic[16];
    uint64_t id; /* of the file that it goes with */
};
struct more {
    uint32_t name_size, size, day, sum;
};

/* An entry that is newer than the file. */
struct change {
    size_t n;
    unsigned day;
    bool saved; /* it is in PATH.more */
    unsigned char bytes[];
};

struct flatfile {
    char *path, *more;
    unsigned today;
    const unsigned char *at; /* the mapped file, or NULL */
    size_t size;
    struct head head;
    const struct entry *entry;
    size_t n;
    bool *asked; /* of entry[i], where its day is to be refreshed */
    struct map change;
    size_t more_size; /* of PATH.more as far as it is whole */
    bool torn;        /* it is not whole, or not of this file */
    bool refresh;     /* the file itself is to be written anew */
    bool dirty;
};

/* ---- reading ----------------------------------------------------------------------- */

static uint32_t sum_of(const char *name, size_t name_size, const void *value, size_t size)
{
    uint64_t a = checksum(name, name_size), b = checksum(value, size);

    return (uint32_t)(a ^ (a >> 32) ^ (b * 3) ^ (b >> 31));
}

static uint64_t head_sum(const struct head *h)
{
    return checksum(h, offsetof(struct head, sum));
}

/* Whether the mapped bytes begin as a file of this size that this machine wrote. */
static bool is_ours(const struct head *h, size_t size)
{
    return !memcmp(h->magic, magic, sizeof magic) && h->byte_order == byte_order &&
           h->size == size && head_sum(h) == h->sum &&
           h->n <= (size - sizeof *h) / sizeof(struct entry);
}

static void map_file(struct flatfile *t, int fd)
{
    struct stat st;
    void *at;

    if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof t->head)
        return;
    at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return;
    memcpy(&t->head, at, sizeof t->head);
    if (!is_ours(&t->head, (size_t)st.st_size)) {
        munmap(at, (size_t)st.st_size);
        return;
    }
    t->at = at;
    t->size = (size_t)st.st_size;
    t->entry = (const struct entry *)(t->at + sizeof t->head);
    t->n = t->head.n;
    t->asked = xcalloc(t->n + 1, sizeof *t->asked);
}

static void set_change(struct flatfile *t, const char *name, const void *bytes, size_t n,
                       unsigned day, bool saved)
{
    struct change *c = xmalloc(sizeof *c + n);

    *c = (struct change){ .n = n, .day = day, .saved = saved };
    memcpy(c->bytes, bytes, n);
    free(map_set(&t->change, name, c));
}

/* The change at the beginning of n bytes; its size there, or 0 where it is not whole. */
static size_t read_change(struct flatfile *t, const char *at, size_t n)
{
    struct more m;
    const char *name = at + sizeof m;
    size_t whole;

    if (n < sizeof m)
        return 0;
    memcpy(&m, at, sizeof m);
    whole = sizeof m + (size_t)m.name_size + 1 + m.size;
    if (n < whole || name[m.name_size] || strlen(name) != m.name_size ||
        sum_of(name, m.name_size, name + m.name_size + 1, m.size) != m.sum)
        return 0;
    set_change(t, name, name + m.name_size + 1, m.size, m.day, true);
    return whole;
}

static void read_more(struct flatfile *t)
{
    struct buf b = { 0 };
    struct more_head h;
    size_t at = sizeof h, step = 1;

    if (!fs_exists(t->more) || fs_read(t->more, &b, NULL) < 0)
        goto out;
    t->torn = true;
    if (b.len < sizeof h)
        goto out;
    memcpy(&h, b.s, sizeof h);
    if (memcmp(h.magic, more_magic, sizeof more_magic) || h.id != t->head.id || !t->at)
        goto out;
    while (at < b.len && (step = read_change(t, b.s + at, b.len - at)) > 0)
        at += step;
    t->torn = at < b.len;
    t->more_size = at;
out:
    buf_release(&b);
}

int flatfile_open(struct flatfile **to, const char *path, unsigned today,
                  struct error *err)
{
    struct flatfile *t = xcalloc(1, sizeof *t);
    struct buf more = { 0 };
    int fd, rc = 0;

    buf_printf(&more, "%s.more", path);
    t->path = xstrdup(path);
    t->more = buf_take(&more);
    t->today = today;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT) {
        rc = error_system(err, "opening %s", path);
        flatfile_close(t);
        t = NULL;
    }
    if (fd >= 0) {
        map_file(t, fd);
        close(fd);
    }
    if (t)
        read_more(t);
    *to = t;
    return rc;
}

void flatfile_close(struct flatfile *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->change.n; i++)
        free(t->change.entry[i].value);
    map_release(&t->change);
    if (t->at)
        munmap((void *)t->at, t->size);
    free(t->asked);
    free(t->path);
    free(t->more);
    free(t);
}

/* Whether the entry points into the file, to a name that ends. */
static bool is_inside(const struct flatfile *t, const struct entry *e)
{
    return e->name < t->size && e->name_size < t->size - e->name &&
           !t->at[e->name + e->name_size] && e->value <= t->size &&
           e->size <= t->size - e->value;
}

static const char *entry_name(const struct flatfile *t, size_t i)
{
    return is_inside(t, &t->entry[i]) ? (const char *)t->at + t->entry[i].name : "";
}

static bool is_whole(const struct flatfile *t, size_t i)
{
    const struct entry *e = &t->entry[i];

    return is_inside(t, e) && sum_of((const char *)t->at + e->name, e->name_size,
                                     t->at + e->value, e->size) == e->sum;
}

/* The index of a name in the file, or t->n. */
static size_t find(const struct flatfile *t, const char *name)
{
    size_t low = 0, high = t->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(entry_name(t, middle), name);

        if (!order)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return t->n;
}

const void *flatfile_get(struct flatfile *t, const char *name, size_t *n)
{
    const struct change *c = map_get(&t->change, name);
    size_t i;

    if (c) {
        *n = c->n;
        return c->bytes;
    }
    i = find(t, name);
    if (i == t->n || !is_whole(t, i))
        return NULL;
    if (t->entry[i].day + DAYS_BEFORE_REFRESH < t->today && !t->asked[i])
        t->asked[i] = t->refresh = t->dirty = true;
    *n = t->entry[i].size;
    return t->at + t->entry[i].value;
}

void flatfile_put(struct flatfile *t, const char *name, const void *bytes, size_t n)
{
    size_t n_old;
    const void *old = flatfile_get(t, name, &n_old);

    if (old && n_old == n && !memcmp(old, bytes, n))
        return;
    set_change(t, name, bytes, n, t->today, false);
    t->dirty = true;
}

/* ---- writing ------------------------------------------------------------------------
 */

/* What one entry of the new file will be. */
struct line {
    const char *name;
    const void *bytes;
    size_t n;
    uint32_t day;
};

static int compare_lines(const void *a, const void *b)
{
    return strcmp(((const struct line *)a)->name, ((const struct line *)b)->name);
}

/* The entries to keep, sorted; new (free()). */
static struct line *merged(const struct flatfile *t, size_t *n)
{
    struct line *line = xcalloc(t->n + t->change.n + 1, sizeof *line);
    size_t k = 0;

    for (size_t i = 0; i < t->n; i++) {
        const struct entry *e = &t->entry[i];

        if (!is_whole(t, i) || map_get(&t->change, entry_name(t, i)))
            continue;
        if (!t->asked[i] && e->day + DAYS_KEPT < t->today)
            continue;
        line[k++] = (struct line){ entry_name(t, i), t->at + e->value, e->size,
                                   t->asked[i] ? t->today : e->day };
    }
    for (size_t i = 0; i < t->change.n; i++) {
        const struct change *c = t->change.entry[i].value;

        line[k++] = (struct line){ t->change.entry[i].key, c->bytes, c->n, c->day };
    }
    qsort(line, k, sizeof *line, compare_lines);
    *n = k;
    return line;
}

/* Appends the names and values to heap and the entries, for offsets from start, to file.
 */
static void write_lines(const struct line *line, size_t n, size_t start, struct buf *file,
                        struct buf *heap)
{
    for (size_t i = 0; i < n; i++) {
        size_t name = start + heap->len, name_size = strlen(line[i].name), value;

        buf_add(heap, line[i].name, name_size + 1);
        value = start + heap->len;
        buf_add(heap, line[i].bytes, line[i].n);
        buf_add(file,
                &(struct entry){
                    .name = (uint32_t)name,
                    .name_size = (uint32_t)name_size,
                    .value = (uint32_t)value,
                    .size = (uint32_t)line[i].n,
                    .day = line[i].day,
                    .sum = sum_of(line[i].name, name_size, line[i].bytes, line[i].n) },
                sizeof(struct entry));
    }
}

static int rewrite(struct flatfile *t, struct error *err)
{
    struct head head = { .byte_order = byte_order };
    struct buf file = { 0 }, heap = { 0 };
    struct line *line;
    size_t n;
    int rc;

    line = merged(t, &n);
    buf_add(&file, &head, sizeof head);
    write_lines(line, n, sizeof head + n * sizeof(struct entry), &file, &heap);
    buf_add(&file, buf_str(&heap), heap.len);
    assert(file.len <= UINT32_MAX);
    memcpy(head.magic, magic, sizeof magic);
    head.n = (uint32_t)n;
    head.size = file.len;
    head.id = checksum(file.s + sizeof head, file.len - sizeof head);
    head.sum = head_sum(&head);
    memcpy(file.s, &head, sizeof head);
    rc = fs_write(t->path, file.s, file.len, false, err);
    if (rc == 0)
        rc = fs_remove(t->more, err);
    free(line);
    buf_release(&heap);
    buf_release(&file);
    return rc;
}

/* One write, so that those of two processes do not mix. */
static int append(struct flatfile *t, const struct buf *changes, struct error *err)
{
    struct more_head h = { .id = t->head.id };
    struct buf b = { 0 };
    int rc = 0, fd = open(t->more, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

    memcpy(h.magic, more_magic, sizeof more_magic);
    if (!t->more_size)
        buf_add(&b, &h, sizeof h);
    buf_add(&b, changes->s, changes->len);
    errno = fs_fault();
    if (fd < 0 || errno || write(fd, b.s, b.len) != (ssize_t)b.len)
        rc = error_system(err, "writing %s", t->more);
    if (fd >= 0)
        close(fd);
    t->more_size = rc == 0 ? t->more_size + b.len : t->more_size;
    t->torn |= rc < 0;
    buf_release(&b);
    return rc;
}

/* The changes that are not saved yet, as they stand in PATH.more. */
static void write_changes(struct flatfile *t, struct buf *to)
{
    for (size_t i = 0; i < t->change.n; i++) {
        const char *name = t->change.entry[i].key;
        const struct change *c = t->change.entry[i].value;
        struct more m = { (uint32_t)strlen(name), (uint32_t)c->n, c->day, 0 };

        if (c->saved)
            continue;
        m.sum = sum_of(name, m.name_size, c->bytes, c->n);
        buf_add(to, &m, sizeof m);
        buf_add(to, name, m.name_size + 1);
        buf_add(to, c->bytes, c->n);
    }
}

int flatfile_save(struct flatfile *t, struct error *err)
{
    struct buf changes = { 0 };
    int rc;

    if (!t->dirty)
        return 0;
    write_changes(t, &changes);
    if (t->at && !t->torn && !t->refresh &&
        t->more_size + changes.len < t->size / 16 + MORE_AT_LEAST)
        rc = append(t, &changes, err);
    else
        rc = rewrite(t, err);
    if (rc == 0) {
        t->dirty = false;
        for (size_t i = 0; i < t->change.n; i++)
            ((struct change *)t->change.entry[i].value)->saved = true;
    }
    buf_release(&changes);
    return rc;
}
