/* The reader of pickles, with and without names that are not on its list. */
#include "fuzz.h"

#include "weights/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    for (int foreign = 0; foreign < 2; foreign++) {
        struct pickle p = { .foreign = foreign };
        struct error err = { 0 };
        struct node *x;
        char text[80];
        size_t at = 0;

        if (pickle_read(&p, bytes, n, &at, &x, &err) == 0) {
            node_describe(x, text, sizeof text);
            node_get(x, "model");
        }
        pickle_release(&p);
    }
    return 0;
}
