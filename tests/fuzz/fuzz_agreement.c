/* Two texts with a NUL between, compared by the comparator that the first byte names. */
#include "fuzz.h"

#include <string.h>

#include "agreement.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const enum compare_kind kind[] = { COMPARE_NUMERIC, COMPARE_TABLE,
                                              COMPARE_INTERVAL };
    struct agreement g = { 0 };
    struct buf text = { 0 };
    struct comparator how = {
        .value = "value", .low = "low", .high = "high", .except = "\tfrom\t"
    };
    size_t a;

    if (n < 1)
        return 0;
    how.kind = kind[bytes[0] % 3];
    how.abs = bytes[0] & 64 ? 0.5 : 0;
    buf_add(&text, bytes + 1, n - 1);
    buf_adds(&text, "");
    a = strlen(buf_str(&text));
    if (a < text.len)
        agreement_of_texts(&g, &how, text.s, a, text.s + a + 1, text.len - a - 1);
    agreement_release(&g);
    buf_release(&text);
    return 0;
}
