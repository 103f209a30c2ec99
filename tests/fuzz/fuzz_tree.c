/* The text of a folder: what is read is written again alike. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct tree t = { 0 };
    struct error err = { 0 };
    struct buf text = { 0 };

    if (tree_read(&t, (const char *)bytes, n, &err) == 0) {
        tree_write(&t, &text);
        if (text.len != n || memcmp(text.s, bytes, n) != 0)
            abort();
        buf_release(&text);
    }
    tree_release(&t);
    return 0;
}
