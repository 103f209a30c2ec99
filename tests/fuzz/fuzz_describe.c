/* What a program says of itself: of what is read, the standard values are of their types.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "describe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct arena arena = { 0 };
    struct program p = { 0 };
    struct error err = { 0 };

    if (describe_read(&arena, arena_strndup(&arena, (const char *)bytes, n), &p, &err) ==
        0) {
        for (size_t i = 0; i < p.n_options; i++) {
            const struct program_option *o = &p.option[i];
            const char *canonical;

            if (i > 0 && strcmp(p.option[i - 1].name, o->name) >= 0)
                abort();
            if (o->standard &&
                (program_value(o, o->standard, &arena, &canonical, &err) < 0 ||
                 strcmp(canonical, o->standard) != 0))
                abort();
        }
    } else if (!err.text[0]) {
        abort();
    }
    arena_release(&arena);
    return 0;
}
