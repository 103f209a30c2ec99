/* A signed record, and what is in it: what is read is written again alike. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct envelope e;
    struct error err = { 0 };
    struct buf text = { 0 };

    if (envelope_read(&e, ENVELOPE_RECORD, (const char *)bytes, n, &err) < 0)
        return 0;
    envelope_is_true(&e);
    envelope_write(&e, &text);
    if (text.len != n || memcmp(text.s, bytes, n) != 0)
        abort();
    buf_release(&text);
    return 0;
}
