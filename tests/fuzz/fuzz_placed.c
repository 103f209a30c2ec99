/* What is remembered of placed files: what is read is written and read again alike. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "larder/fs.h"
#include "place.h"
#include "placed.h"

static bool same(const struct placed_to *a, const struct placed_to *b)
{
    if (strcmp(a->to, b->to) != 0 || a->n_files != b->n_files ||
        a->object.kind != b->object.kind || !digest_equal(&a->object.id, &b->object.id))
        return false;
    for (size_t i = 0; i < a->n_files; i++)
        if (strcmp(a->file[i].path, b->file[i].path) != 0 ||
            a->file[i].state.mtime_ns != b->file[i].state.mtime_ns)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *path = place_file("placed", bytes, n);
    struct placed p = { 0 }, q = { 0 };
    struct error err = { 0 };

    if (placed_read(&p, path, &err) == 0 && p.n > 0) {
        if (placed_write(&p, path, &err) < 0 || placed_read(&q, path, &err) < 0)
            abort();
        if (p.n != q.n)
            abort();
        for (size_t i = 0; i < p.n; i++)
            if (!same(p.to[i], q.to[i]) || !placed_find(&p, p.to[i]->to))
                abort();
    }
    placed_release(&q);
    placed_release(&p);
    return 0;
}
