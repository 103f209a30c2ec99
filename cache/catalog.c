#include "catalog.h"

#include <stdlib.h>
#include <string.h>

#include "larder/formats.h"
#include "larder/mem.h"
#include "scan.h"

#include "larder/banned.h"

void catalog_release(struct catalog *c)
{
    free(c->pack);
    free(c->entry);
    *c = (struct catalog){ 0 };
}

uint32_t catalog_add_pack(struct catalog *c, const struct digest *id, long long size)
{
    GROW(c->pack, c->n_packs + 1, c->cap_packs);
    c->pack[c->n_packs] = (struct catalog_pack){ *id, size };
    return (uint32_t)c->n_packs++;
}

void catalog_add(struct catalog *c, const struct digest *id, const struct key_id *by,
                 uint32_t pack, long long from, long long size)
{
    GROW(c->entry, c->n + 1, c->cap);
    c->entry[c->n] = (struct catalog_entry){
        .id = *id, .pack = pack, .age = (uint32_t)c->n, .from = from, .size = size
    };
    if (by)
        c->entry[c->n].by = *by;
    c->n++;
    c->sorted = false;
}

/* By name and signer, the youngest first. */
static int compare(const void *a, const void *b)
{
    const struct catalog_entry *x = a, *y = b;
    int order = digest_compare(&x->id, &y->id);

    if (order == 0)
        order = strcmp(x->by.text, y->by.text);
    if (order == 0)
        order = x->age < y->age ? 1 : -(x->age > y->age);
    return order;
}

const struct catalog_entry *catalog_find(struct catalog *c, const struct digest *id,
                                         const struct key_id *by)
{
    struct catalog_entry want = { .id = *id, .age = UINT32_MAX };
    size_t low = 0, high = c->n;

    if (by)
        want.by = *by;
    if (!c->sorted && c->n) {
        qsort(c->entry, c->n, sizeof *c->entry, compare);
        c->sorted = true;
    }
    while (low < high) { /* the first that is not before it */
        size_t mid = low + (high - low) / 2;

        if (compare(&c->entry[mid], &want) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == c->n || !digest_equal(&c->entry[low].id, id) ||
        strcmp(c->entry[low].by.text, want.by.text) != 0)
        return NULL;
    return &c->entry[low];
}

/* ---- the text ------------------------------------------------------------------------
 */

static bool read_pack(struct scan *s, struct catalog *c)
{
    struct digest id;
    long long size;

    if (!scan_digest(s, &id) || !scan_text(s, " ") || !scan_number(s, &size) ||
        !scan_newline(s))
        return false;
    catalog_add_pack(c, &id, size);
    return true;
}

static bool read_signer(struct scan *s, struct key_id *by)
{
    char text[KEY_ID_HEX + 1];

    if (s->end - s->at < KEY_ID_HEX)
        return false;
    memcpy(text, s->at, KEY_ID_HEX);
    text[KEY_ID_HEX] = '\0';
    s->at += KEY_ID_HEX;
    return key_id_parse(by, text) && scan_text(s, " ");
}

static bool read_entry(struct scan *s, struct catalog *c, bool record)
{
    struct digest id;
    struct key_id by = { 0 };
    long long from, size;

    if (!scan_digest(s, &id) || !scan_text(s, " ") || (record && !read_signer(s, &by)) ||
        !scan_number(s, &from) || !scan_text(s, " ") || !scan_number(s, &size) ||
        !scan_newline(s) || c->n_packs == 0 || from > c->pack[c->n_packs - 1].size ||
        size > c->pack[c->n_packs - 1].size - from)
        return false;
    catalog_add(c, &id, record ? &by : NULL, (uint32_t)(c->n_packs - 1), from, size);
    return true;
}

int catalog_read(struct catalog *c, const char *text, size_t n, struct error *err)
{
    struct catalog more = { 0 };
    struct scan s;
    bool good;

    scan_start(&s, text, n);
    good = scan_text(&s, FORMAT_INDEX) && scan_newline(&s);
    while (good && !scan_done(&s)) {
        if (scan_text(&s, "pack "))
            good = read_pack(&s, &more);
        else if (scan_text(&s, "object "))
            good = read_entry(&s, &more, false);
        else
            good = scan_text(&s, "record ") && read_entry(&s, &more, true);
    }
    for (size_t i = 0; good && i < more.n; i++) {
        const struct catalog_entry *e = &more.entry[i];

        catalog_add(c, &e->id, *e->by.text ? &e->by : NULL,
                    e->pack + (uint32_t)c->n_packs, e->from, e->size);
    }
    for (size_t i = 0; good && i < more.n_packs; i++)
        catalog_add_pack(c, &more.pack[i].id, more.pack[i].size);
    catalog_release(&more);
    return good
               ? 0
               : error_set(err, E_CORRUPT, "line %d of an index: not understood", s.line);
}

/* As they were added, so that the same entries give the same text. */
static int by_age(const void *a, const void *b)
{
    const struct catalog_entry *x = a, *y = b;

    return x->age < y->age ? -1 : x->age > y->age;
}

/* n >= 0; an index has a hundred thousand of them, and printf takes its time. */
static void add_number(struct buf *to, long long n)
{
    char text[20], *at = text + sizeof text;

    do {
        *--at = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    buf_add(to, at, (size_t)(text + sizeof text - at));
}

static void write_entry(const struct catalog_entry *e, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    buf_adds(to, *e->by.text ? "record sha256:" : "object sha256:");
    buf_add(to, digest_hex(&e->id, hex), DIGEST_HEX);
    buf_addc(to, ' ');
    if (*e->by.text) {
        buf_adds(to, e->by.text);
        buf_addc(to, ' ');
    }
    add_number(to, e->from);
    buf_addc(to, ' ');
    add_number(to, e->size);
    buf_addc(to, '\n');
}

void catalog_write(struct catalog *c, uint32_t first_pack, struct buf *to)
{
    char hex[DIGEST_HEX + 1];
    size_t i = 0;

    if (c->n)
        qsort(c->entry, c->n, sizeof *c->entry, by_age);
    c->sorted = false;
    buf_adds(to, FORMAT_INDEX "\n");
    for (uint32_t k = 0; k < c->n_packs; k++) {
        if (k >= first_pack)
            buf_printf(to, "pack sha256:%s %lld\n", digest_hex(&c->pack[k].id, hex),
                       c->pack[k].size);
        for (; i < c->n && c->entry[i].pack == k; i++)
            if (k >= first_pack)
                write_entry(&c->entry[i], to);
    }
}
