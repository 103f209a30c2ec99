/* What is kept of a run: any text has some rows, whose fields are texts. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "place.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct history h = { 0 };
    struct error err = { 0 };

    place_file("runs/0003.tsv", bytes, n);
    if (history_until(&h, place_folder(), 3, &err) < 0 || h.number != 3)
        abort();
    for (size_t i = 0; i < h.row.n; i++) {
        const struct history_row *row = h.row.entry[i].value;

        if (strpbrk(row->outcome, "\t\n") || strpbrk(row->reason, "\t\n"))
            abort();
    }
    history_release(&h);
    return 0;
}
