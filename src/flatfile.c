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
#include "larder/digest.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"

enum { DAYS_BEFORE_REFRESH = 7, DAYS_KEPT = 90 };

static const char magic[16] = "larder-state 1\n";
static const uint32_t byte_order = 0x01020304;

/* The file: this head, n entries sorted by name, then the bytes they point into. */
struct head {
    char magic[16];
    uint32_t byte_order;
    uint32_t n;
    uint64_t size;        /* of the whole file */
    struct digest digest; /* of all that follows the head */
};

struct entry {
    uint32_t name, name_size; /* offset from the start of the file; without the NUL */
    uint32_t value, size;
    uint32_t day; /* when it was last asked for, to within a week */
    uint32_t zero;
};

/* An entry that is new or changed in this process. */
struct change {
    size_t n;
    unsigned char bytes[];
};

struct flatfile {
    char *path;
    unsigned today;
    const unsigned char *at; /* the mapped file, or NULL */
    size_t size;
    const struct entry *entry;
    size_t n;
    bool *asked; /* of entry[i], where its day is to be refreshed */
    struct map change;
    bool dirty;
};

/* Whether the mapped bytes are a whole file that this machine wrote. */
static bool is_whole(const unsigned char *at, size_t size)
{
    struct head head;
    const struct entry *entry = (const struct entry *)(at + sizeof head);
    struct digest d;

    if (size < sizeof head)
        return false;
    memcpy(&head, at, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) || head.byte_order != byte_order ||
        head.size != size || head.n > (size - sizeof head) / sizeof *entry)
        return false;
    digest_bytes(&d, at + sizeof head, size - sizeof head);
    if (!digest_equal(&d, &head.digest))
        return false;
    for (size_t i = 0; i < head.n; i++)
        if (entry[i].name > size || entry[i].name_size >= size - entry[i].name ||
            at[entry[i].name + entry[i].name_size] || entry[i].value > size ||
            entry[i].size > size - entry[i].value)
            return false;
    return true;
}

int flatfile_open(struct flatfile **to, const char *path, unsigned today,
                  struct error *err)
{
    struct flatfile *t = xcalloc(1, sizeof *t);
    struct stat st;
    void *at = MAP_FAILED;
    int fd, rc = 0;

    t->path = xstrdup(path);
    t->today = today;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT) {
        rc = error_system(err, "opening %s", path);
        goto out;
    }
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(struct head))
        goto out;
    at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        goto out;
    if (!is_whole(at, (size_t)st.st_size)) {
        munmap(at, (size_t)st.st_size);
        goto out;
    }
    t->at = at;
    t->size = (size_t)st.st_size;
    t->entry = (const struct entry *)(t->at + sizeof(struct head));
    t->n = ((const struct head *)at)->n;
    t->asked = xcalloc(t->n + 1, sizeof *t->asked);
out:
    if (fd >= 0)
        close(fd);
    if (rc < 0) {
        flatfile_close(t);
        t = NULL;
    }
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
    free(t);
}

static const char *entry_name(const struct flatfile *t, size_t i)
{
    return (const char *)t->at + t->entry[i].name; /* NUL-terminated in the file */
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
    if (i == t->n)
        return NULL;
    if (t->entry[i].day + DAYS_BEFORE_REFRESH < t->today && !t->asked[i])
        t->asked[i] = t->dirty = true;
    *n = t->entry[i].size;
    return t->at + t->entry[i].value;
}

void flatfile_put(struct flatfile *t, const char *name, const void *bytes, size_t n)
{
    struct change *c;
    size_t n_old;
    const void *old = flatfile_get(t, name, &n_old);

    if (old && n_old == n && !memcmp(old, bytes, n))
        return;
    c = xmalloc(sizeof *c + n);
    c->n = n;
    memcpy(c->bytes, bytes, n);
    free(map_set(&t->change, name, c));
    t->dirty = true;
}

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

        if (map_get(&t->change, entry_name(t, i)))
            continue;
        if (!t->asked[i] && e->day + DAYS_KEPT < t->today)
            continue;
        line[k++] = (struct line){ entry_name(t, i), t->at + e->value, e->size,
                                   t->asked[i] ? t->today : e->day };
    }
    for (size_t i = 0; i < t->change.n; i++) {
        const struct change *c = t->change.entry[i].value;

        line[k++] = (struct line){ t->change.entry[i].key, c->bytes, c->n, t->today };
    }
    qsort(line, k, sizeof *line, compare_lines);
    *n = k;
    return line;
}

int flatfile_save(struct flatfile *t, struct error *err)
{
    struct head head = { .byte_order = byte_order };
    struct buf file = { 0 }, heap = { 0 };
    struct line *line;
    size_t n, start;
    int rc;

    if (!t->dirty)
        return 0;
    line = merged(t, &n);
    start = sizeof head + n * sizeof(struct entry);
    buf_add(&file, &head, sizeof head);
    for (size_t i = 0; i < n; i++) {
        size_t name = start + heap.len, name_size = strlen(line[i].name), value;

        buf_add(&heap, line[i].name, name_size + 1);
        value = start + heap.len;
        buf_add(&heap, line[i].bytes, line[i].n);
        buf_add(&file,
                &(struct entry){ .name = (uint32_t)name,
                                 .name_size = (uint32_t)name_size,
                                 .value = (uint32_t)value,
                                 .size = (uint32_t)line[i].n,
                                 .day = line[i].day },
                sizeof(struct entry));
    }
    buf_add(&file, heap.s, heap.len);
    assert(file.len <= UINT32_MAX);
    memcpy(head.magic, magic, sizeof magic);
    head.n = (uint32_t)n;
    head.size = file.len;
    digest_bytes(&head.digest, file.s + sizeof head, file.len - sizeof head);
    memcpy(file.s, &head, sizeof head);
    rc = fs_write(t->path, file.s, file.len, false, err);
    if (rc == 0)
        t->dirty = false;
    free(line);
    buf_release(&heap);
    buf_release(&file);
    return rc;
}
