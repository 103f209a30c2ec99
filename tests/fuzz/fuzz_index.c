/* The index of packs: nothing in it lies outside of its pack, and what is written of it
 * is read again alike. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct catalog c = { 0 }, d = { 0 };
    struct error err = { 0 };
    struct buf text = { 0 }, again = { 0 };

    if (catalog_read(&c, (const char *)bytes, n, &err) == 0) {
        for (size_t i = 0; i < c.n; i++) {
            const struct catalog_entry *e = &c.entry[i];

            if (e->pack >= c.n_packs || e->from < 0 || e->size < 0 ||
                e->size > c.pack[e->pack].size - e->from)
                abort();
        }
        for (size_t i = 0; i < c.n; i++) {
            struct catalog_entry e = c.entry[i];

            if (!catalog_find(&c, &e.id, *e.by.text ? &e.by : NULL))
                abort();
        }
        catalog_write(&c, 0, &text);
        if (catalog_read(&d, text.s, text.len, &err) < 0)
            abort();
        catalog_write(&d, 0, &again);
        if (again.len != text.len || memcmp(again.s, text.s, text.len) != 0)
            abort();
    }
    catalog_release(&c);
    catalog_release(&d);
    buf_release(&again);
    buf_release(&text);
    return 0;
}
