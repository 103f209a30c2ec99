/* Whole files, of any container: every tensor is looked up, and read where it is small.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "weights/take.h"

enum { SMALL = 1 << 16 };

static void read_all(struct named *f)
{
    float *value = malloc(SMALL * sizeof *value);

    for (size_t i = 0; i < f->n; i++) {
        struct error err = { 0 };
        struct view v;

        if (named_view(f, i, &v, &err) == 0 && v.n <= SMALL)
            view_read(&v, &f->file, value, &err);
    }
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct named_options o = { .key = "", .foreign = true };
    const struct take_options how = { .prefix = "auto" };
    struct error err = { 0 };
    struct take t = { 0 };
    struct buf text = { 0 };
    struct named f;

    if (named_open_bytes(&f, bytes, n, &o, &err) == 0) {
        read_all(&f);
        if (take_names(&t, &f, &how, &err) == 0)
            take_format(&t, &f, &text);
        take_release(&t);
        buf_release(&text);
    }
    named_close(&f);
    return 0;
}
