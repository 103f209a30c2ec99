/* The reader of models: what it takes, it writes and reads again with the same bytes. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "nn/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct tensors t = { 0 }, again = { 0 };
    struct buf one = { 0 }, two = { 0 };
    struct error err = { 0 };

    if (safetensors_parse(&t, (const char *)bytes, n, &err) < 0)
        return 0;
    if (safetensors_format(&t, &one, &err) == 0) {
        if (safetensors_parse(&again, one.s, one.len, &err) < 0 ||
            safetensors_format(&again, &two, &err) < 0 || one.len != two.len ||
            memcmp(one.s, two.s, one.len) != 0)
            abort();
    }
    buf_release(&two);
    buf_release(&one);
    tensors_release(&again);
    tensors_release(&t);
    return 0;
}
