/* The reader of MATLAB files, which is ours: whatever it takes can be looked at. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "archive/mat5.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct error err = { 0 };
    struct mat5 m;

    if (mat5_read(&m, bytes, n, "synsets", &err) < 0)
        return 0;
    for (size_t i = 0; i < m.n; i++)
        for (size_t k = 0; k < m.fields; k++)
            if (strlen(mat5_get(&m, i, (int)k)->text) >= sizeof m.cell->text ||
                mat5_field(&m, m.field[k]) < 0)
                abort();
    mat5_release(&m);
    return 0;
}
