#include "image/mdbfile.h"

#include <stdbool.h>

#include "larder/banned.h"

/*
 * The file is an array of pages. Pages 0 and 1 are meta pages; the one with the higher
 * transaction number counts. It names the root of a tree: branch pages hold the numbers
 * of further pages, leaf pages hold keys and values, a value too long for a leaf has a
 * run of overflow pages to itself.
 *
 *   page   0 number u64   8 unused u16   10 flags u16   12 lower u16   14 upper u16
 *          16 offsets of the nodes, u16 each, up to `lower`; the nodes fill from `upper`
 *          an overflow run has the number of its pages (u32) at 12
 *   node   0 low u16   2 high u16   4 flags u16   6 key size u16   8 key, value
 *          leaf: the value's size is low and high; branch: the page's number is all three
 *   meta   (after a page's 16 bytes)   0 magic u32   4 version u32   24 table of free
 * pages 72 main table   120 last page u64   128 transaction u64 table  0 page size u32
 * (first table)   4 flags u16   6 depth u16   32 items u64 40 root u64
 */
enum {
    PAGE_HEADER = 16,
    PAGE_BRANCH = 0x01,
    PAGE_LEAF = 0x02,
    PAGE_OVERFLOW = 0x04,
    PAGE_META = 0x08,
    NODE_HEADER = 8,
    NODE_OVERFLOW = 0x01,
    META_END = PAGE_HEADER + 136,
    TABLE_FREE = PAGE_HEADER + 24,
    TABLE_MAIN = PAGE_HEADER + 72,
    PAGE_SIZE_MIN = 512,
    PAGE_SIZE_MAX = 32768,
    DEPTH_MAX = 32,
    DATA_VERSION = 1,
};
#define META_MAGIC 0xBEEFC0DEu
#define NO_PAGE UINT64_MAX

struct reader {
    const uint8_t *bytes;
    size_t page_size;
    uint64_t n_pages, n_visited, n_items;
    struct mdbfile_item last; /* to see that keys rise */
    mdbfile_each *each;
    void *self;
};

static uint16_t u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const uint8_t *p)
{
    return u32(p) | (uint64_t)u32(p + 4) << 32;
}

static int damaged(struct error *err, uint64_t page, const char *what)
{
    return error_set(err, E_CORRUPT, "damaged: page %llu: %s", (unsigned long long)page,
                     what);
}

/* The page of that number, or NULL when the file has none or it says otherwise. */
static const uint8_t *find_page(const struct reader *r, uint64_t number)
{
    const uint8_t *page;

    if (number < 2 || number >= r->n_pages)
        return NULL;
    page = r->bytes + number * r->page_size;
    return u64(page) == number ? page : NULL;
}

/* The bytes of a run of overflow pages, or NULL when there are no `size` of them. */
static const uint8_t *find_overflow(const struct reader *r, uint64_t number, size_t size)
{
    const uint8_t *page = find_page(r, number);

    if (page == NULL || u16(page + 10) != PAGE_OVERFLOW ||
        u32(page + 12) > r->n_pages - number ||
        PAGE_HEADER + size > u32(page + 12) * r->page_size)
        return NULL;
    return page + PAGE_HEADER;
}

static bool keys_rise(const struct mdbfile_item *a, const struct mdbfile_item *b)
{
    size_t n = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order = n > 0 ? memcmp(a->key, b->key, n) : 0;

    return order < 0 || (order == 0 && a->key_size < b->key_size);
}

/* One item of a leaf; room: the bytes from the node to the end of its page. */
static int read_item(struct reader *r, uint64_t number, const uint8_t *node, size_t room,
                     struct error *err)
{
    struct mdbfile_item item = {
        .key = node + NODE_HEADER,
        .key_size = u16(node + 6),
        .value = node + NODE_HEADER + u16(node + 6),
        .value_size = u32(node),
    };
    uint16_t flags = u16(node + 4);
    size_t in_leaf = flags == NODE_OVERFLOW ? sizeof(uint64_t) : item.value_size;

    if (flags != 0 && flags != NODE_OVERFLOW)
        return damaged(err, number, "an item is of an unknown kind");
    if (NODE_HEADER + item.key_size + in_leaf > room)
        return damaged(err, number, "an item is longer than its page");
    if (flags == NODE_OVERFLOW) {
        item.value = find_overflow(r, u64(item.value), item.value_size);
        if (item.value == NULL)
            return damaged(err, number, "a long value is not where it should be");
    }
    if (r->n_items > 0 && !keys_rise(&r->last, &item))
        return damaged(err, number, "the keys are not in order");
    r->last = item;
    r->n_items++;
    return r->each(r->self, &item, err);
}

/* A page and all below it; depth 1 is a leaf. */
static int read_tree(struct reader *r, uint64_t number, int depth, struct error *err)
{
    const uint8_t *page = find_page(r, number), *node;
    size_t lower, upper, offset;
    uint64_t child;
    int rc = 0;

    /* A tree has no page twice, so no file can keep us longer than its size warrants. */
    if (page == NULL || ++r->n_visited > r->n_pages)
        return damaged(err, number, "not a page of the tree");
    lower = u16(page + 12);
    upper = u16(page + 14);
    if (u16(page + 10) != (depth == 1 ? PAGE_LEAF : PAGE_BRANCH))
        return damaged(err, number, "not of the expected kind");
    if (lower < PAGE_HEADER || lower % 2 != 0 || lower > upper || upper > r->page_size)
        return damaged(err, number, "its header makes no sense");
    for (size_t at = PAGE_HEADER; at < lower && rc == 0; at += 2) {
        offset = u16(page + at);
        if (offset < upper || offset + NODE_HEADER > r->page_size)
            return damaged(err, number, "an item lies outside of it");
        node = page + offset;
        child = u32(node) | (uint64_t)u16(node + 4) << 32;
        rc = depth == 1 ? read_item(r, number, node, r->page_size - offset, err)
                        : read_tree(r, child, depth - 1, err);
    }
    return rc;
}

static bool is_meta(const uint8_t *page)
{
    return u16(page + 10) == PAGE_META && u32(page + PAGE_HEADER) == META_MAGIC &&
           u32(page + PAGE_HEADER + 4) == DATA_VERSION;
}

/* The meta page that counts; sets the page size. */
static const uint8_t *find_meta(struct reader *r, size_t size)
{
    const uint8_t *first = r->bytes, *second;

    if (size < META_END || !is_meta(first))
        return NULL;
    r->page_size = u32(first + TABLE_FREE);
    if (r->page_size < PAGE_SIZE_MIN || r->page_size > PAGE_SIZE_MAX ||
        (r->page_size & (r->page_size - 1)) != 0 || size / 2 < r->page_size)
        return NULL;
    second = first + r->page_size;
    if (!is_meta(second))
        return NULL;
    return u64(first + PAGE_HEADER + 128) < u64(second + PAGE_HEADER + 128) ? second
                                                                            : first;
}

int mdbfile_read(const uint8_t *bytes, size_t size, mdbfile_each *each, void *self,
                 struct error *err)
{
    struct reader r = { .bytes = bytes, .each = each, .self = self };
    const uint8_t *meta = find_meta(&r, size);
    uint64_t n_items, root, last;
    int depth, rc = 0;

    if (meta == NULL)
        return error_set(err, E_CORRUPT, "not an LMDB file of version 1, or cut short");
    last = u64(meta + PAGE_HEADER + 120);
    if (last >= size / r.page_size)
        return error_set(err, E_CORRUPT,
                         "cut short: %zu bytes, but its last page is number %llu", size,
                         (unsigned long long)last);
    r.n_pages = last + 1;
    depth = u16(meta + TABLE_MAIN + 6);
    n_items = u64(meta + TABLE_MAIN + 32);
    root = u64(meta + TABLE_MAIN + 40);
    if (u16(meta + TABLE_MAIN + 4) != 0 || depth > DEPTH_MAX ||
        (depth == 0) != (root == NO_PAGE))
        return error_set(err, E_CORRUPT,
                         "damaged: its table is not of the expected kind");
    if (root != NO_PAGE)
        rc = read_tree(&r, root, depth, err);
    if (rc == 0 && r.n_items != n_items)
        rc = error_set(err, E_CORRUPT, "damaged: %llu items where %llu were promised",
                       (unsigned long long)r.n_items, (unsigned long long)n_items);
    return rc;
}
