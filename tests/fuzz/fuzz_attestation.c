/* An attestation, without its envelope: what is read is written again alike. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "larder/attestation.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct attestation *a;
    struct error err = { 0 };
    struct buf text = { 0 };

    if (attestation_read(&a, (const char *)bytes, n, &err) < 0)
        return 0;
    attestation_write(a, &text);
    if (text.len != n || memcmp(text.s, bytes, n) != 0)
        abort();
    buf_release(&text);
    attestation_free(a);
    return 0;
}
