#include "weights/zip.h"

#include <stdbool.h>
#include <string.h>

#include "weights/source.h"

#include "larder/banned.h"

enum {
    LOCAL = 0x04034b50,
    CENTRAL = 0x02014b50,
    END = 0x06054b50,
    END64 = 0x06064b50,
    LOCATOR64 = 0x07064b50,

    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR64_SIZE = 20,

    ZIP64_FIELD = 1,
    COMMENT_MAX = 65535,
    NAME_MAX_LENGTH = 1024,
};

/* The file, and its central directory. */
struct directory {
    const uint8_t *s;
    size_t n;
    uint64_t at, size, entries;
};

static bool is(const struct directory *d, uint64_t at, size_t size, uint32_t signature)
{
    return at <= d->n && size <= d->n - at && get_u32(d->s + at) == signature;
}

/* The end record is the last thing in the file but for a comment, whose length it has. */
static int find_end(const struct directory *d, size_t *end, struct error *err)
{
    size_t at = d->n < END_SIZE ? 0 : d->n - END_SIZE;
    size_t first = at > COMMENT_MAX ? at - COMMENT_MAX : 0;

    for (;; at--) {
        if (is(d, at, END_SIZE, END) && get_u16(d->s + at + 20) == d->n - at - END_SIZE) {
            *end = at;
            return 0;
        }
        if (at == first)
            return error_set(err, E_INPUT,
                             "the directory of the zip file is missing: "
                             "the file is cut short");
    }
}

static int read_end64(struct directory *d, size_t end, struct error *err)
{
    uint64_t at;

    if (end < LOCATOR64_SIZE || !is(d, end - LOCATOR64_SIZE, LOCATOR64_SIZE, LOCATOR64))
        return error_set(err, E_INPUT, "the zip64 locator is missing");
    at = get_u64(d->s + end - LOCATOR64_SIZE + 8);
    if (!is(d, at, END64_SIZE, END64))
        return error_set(err, E_INPUT, "the zip64 end record is missing");
    d->entries = get_u64(d->s + at + 32);
    d->size = get_u64(d->s + at + 40);
    d->at = get_u64(d->s + at + 48);
    return 0;
}

static int read_end(struct directory *d, struct error *err)
{
    size_t end = 0;
    int rc = find_end(d, &end, err);

    if (rc < 0)
        return rc;
    d->entries = get_u16(d->s + end + 10);
    d->size = get_u32(d->s + end + 12);
    d->at = get_u32(d->s + end + 16);
    if (d->entries == UINT16_MAX || d->size == UINT32_MAX || d->at == UINT32_MAX)
        rc = read_end64(d, end, err);
    if (rc < 0)
        return rc;
    if (d->at > end || d->size > end - d->at || d->entries > d->size / CENTRAL_SIZE)
        return error_set(err, E_INPUT, "the directory of the zip file does not fit");
    return 0;
}

/* What of an entry is 32 bits wide may stand in its zip64 field instead, in this order.
 */
static int widen(const uint8_t *extra, size_t n, uint64_t *value[3], struct error *err)
{
    const uint8_t *field = NULL;
    size_t left = 0;

    while (n >= 4 && field == NULL) {
        size_t size = get_u16(extra + 2);

        if (size > n - 4)
            return error_set(err, E_INPUT, "an extra field does not fit");
        if (get_u16(extra) == ZIP64_FIELD) {
            field = extra + 4;
            left = size;
        }
        extra += 4 + size;
        n -= 4 + size;
    }
    for (int i = 0; i < 3; i++) {
        if (*value[i] != UINT32_MAX)
            continue;
        if (left < 8)
            return error_set(err, E_INPUT, "its zip64 field is missing or too short");
        *value[i] = get_u64(field);
        field += 8;
        left -= 8;
    }
    return 0;
}

/* Where the bytes begin: the local header has its own lengths of name and extra field. */
static int place(struct zip_entry *e, const struct directory *d, uint64_t header,
                 uint64_t size, struct error *err)
{
    size_t name_size = strlen(e->name), skip;

    if (!is(d, header, LOCAL_SIZE, LOCAL) || header >= d->at)
        return error_set(err, E_INPUT, "its local header is not there");
    skip = LOCAL_SIZE + (size_t)get_u16(d->s + header + 26) +
           (size_t)get_u16(d->s + header + 28);
    if (skip > d->at - header || size > d->at - header - skip)
        return error_set(err, E_INPUT, "its bytes are not inside the file");
    if (get_u16(d->s + header + 26) != name_size ||
        memcmp(d->s + header + LOCAL_SIZE, e->name, name_size) != 0)
        return error_set(err, E_INPUT, "its local header has another name");
    e->header = (size_t)header;
    e->at = (size_t)header + skip;
    e->size = (size_t)size;
    return 0;
}

/* c: its record, whose name and extra field are inside the directory. */
static int read_record(struct zip_entry *e, const struct directory *d, const uint8_t *c,
                       struct error *err)
{
    uint64_t packed = get_u32(c + 20), size = get_u32(c + 24), header = get_u32(c + 42);
    uint64_t *wide[3] = { &size, &packed, &header };
    size_t name_size = get_u16(c + 28);
    int rc;

    if (get_u16(c + 8) & 1)
        return error_set(err, E_INPUT, "it is encrypted");
    if (get_u16(c + 10) != 0)
        return error_set(err, E_INPUT,
                         "it is compressed (method %d), which PyTorch never does",
                         get_u16(c + 10));
    rc = widen(c + CENTRAL_SIZE + name_size, get_u16(c + 30), wide, err);
    if (rc < 0)
        return rc;
    if (packed != size)
        return error_set(err, E_INPUT, "it has two sizes");
    e->crc = get_u32(c + 16);
    return place(e, d, header, size, err);
}

static int read_name(struct zip *z, struct zip_entry *e, const uint8_t *name, size_t n,
                     struct error *err)
{
    if (n == 0 || n > NAME_MAX_LENGTH || memchr(name, '\0', n) != NULL)
        return error_set(err, E_INPUT, "an entry of the zip file has no usable name");
    e->name = arena_strndup(&z->arena, (const char *)name, n);
    return 0;
}

static int read_entries(struct zip *z, const struct directory *d, struct error *err)
{
    const uint8_t *c = d->s + d->at;
    size_t left = (size_t)d->size, need;
    int rc;

    z->entry = xcalloc((size_t)d->entries + 1, sizeof *z->entry);
    for (; z->n < d->entries; z->n++) {
        struct zip_entry *e = &z->entry[z->n];

        if (left < CENTRAL_SIZE || get_u32(c) != CENTRAL)
            return error_set(err, E_INPUT, "the directory of the zip file is damaged");
        need = CENTRAL_SIZE + (size_t)get_u16(c + 28) + (size_t)get_u16(c + 30) +
               (size_t)get_u16(c + 32);
        if (need > left)
            return error_set(err, E_INPUT, "the directory of the zip file is damaged");
        rc = read_name(z, e, c + CENTRAL_SIZE, get_u16(c + 28), err);
        if (rc < 0)
            return rc;
        rc = read_record(e, d, c, err);
        if (rc < 0)
            return error_context(err, "entry %.100s", e->name);
        c += need;
        left -= need;
    }
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct zip_entry *x = a, *y = b;

    return x->header < y->header ? -1 : x->header > y->header;
}

static int check_entries(struct zip *z, struct error *err)
{
    qsort(z->entry, z->n, sizeof *z->entry, by_place);
    for (size_t i = 0; i < z->n; i++) {
        struct zip_entry *e = &z->entry[i];

        if (i > 0 && e->header < e[-1].at + e[-1].size)
            return error_set(err, E_INPUT, "the entries %.100s and %.100s overlap",
                             e[-1].name, e->name);
        if (map_set(&z->by_name, e->name, e) != NULL)
            return error_set(err, E_INPUT, "two entries are called %.100s", e->name);
    }
    return 0;
}

int zip_open(struct zip *z, const uint8_t *s, size_t n, struct error *err)
{
    struct directory d = { .s = s, .n = n };
    int rc;

    *z = (struct zip){ 0 };
    rc = read_end(&d, err);
    if (rc == 0)
        rc = read_entries(z, &d, err);
    if (rc == 0)
        rc = check_entries(z, err);
    if (rc < 0)
        zip_release(z);
    return rc;
}

void zip_release(struct zip *z)
{
    map_release(&z->by_name);
    free(z->entry);
    arena_release(&z->arena);
    *z = (struct zip){ 0 };
}

const struct zip_entry *zip_find(const struct zip *z, const char *name)
{
    return map_get(&z->by_name, name);
}
