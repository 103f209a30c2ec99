/* larder.lock: what is read has each line once and in order; a line can be added. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lock.h"
#include "place.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct lock_line added = { .name = "import.x",
                               .pins = "size=1",
                               .object = { .size = 1 } };
    const char *path = place_file("larder.lock", bytes, n);
    struct arena arena = { 0 };
    struct lock l, more;
    struct error err = { 0 };

    if (lock_read(&l, &arena, path, "larder.lock", &err) == 0) {
        for (size_t i = 0; i < l.n; i++)
            if (lock_find(&l, l.line[i].name, l.line[i].pins) != &l.line[i] ||
                l.line[i].object.size < 0)
                abort();
        if (!lock_find(&l, added.name, added.pins)) {
            if (lock_add(path, "larder.lock", &added, &err) < 0 ||
                lock_read(&more, &arena, path, "larder.lock", &err) < 0 ||
                more.n != l.n + 1 || !lock_find(&more, added.name, added.pins))
                abort();
        }
    } else if (!err.text[0]) {
        abort();
    }
    arena_release(&arena);
    return 0;
}
