/* A record: what is read is written again alike. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "larder/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct record *r = NULL;
    struct error err = { 0 };
    struct buf text = { 0 };

    if (record_read(&r, (const char *)bytes, n, &err) < 0)
        return 0;
    record_write(r, &text);
    if (text.len != n || memcmp(text.s, bytes, n) != 0)
        abort();
    buf_release(&text);
    record_free(r);
    return 0;
}
