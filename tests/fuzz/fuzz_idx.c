/* Arrays of the MNIST family. The first byte: how many dimensions, and whether the rest
 * is compressed here first, since nothing that is made up has the sums of gzip. */
#include "fuzz.h"

#include <stdlib.h>
#include <zlib.h>

#include "image/idx.h"
#include "place.h"

static const char *compressed(const uint8_t *bytes, size_t n)
{
    uLong room = compressBound(n) + 32;
    unsigned char *to = malloc(room);
    z_stream z = { .next_in = (unsigned char *)bytes, .avail_in = (uInt)n };
    const char *path;

    z.next_out = to;
    z.avail_out = (uInt)room;
    if (deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    path = place_file("idx.gz", to, z.total_out);
    deflateEnd(&z);
    free(to);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct error err = { 0 };
    struct idx x = { 0 };
    const char *path;
    size_t size = 1;
    int dims;

    if (n == 0)
        return 0;
    dims = 1 + (bytes[0] >> 1) % IDX_DIMS_MAX;
    path = bytes[0] & 1 ? compressed(bytes + 1, n - 1)
                        : place_file("idx.gz", bytes + 1, n - 1);
    if (idx_read(&x, path, dims, &err) == 0) {
        static volatile uint8_t last;

        for (int i = 0; i < dims; i++)
            size *= x.dim[i];
        if (x.n_dims != dims || size == 0)
            abort();
        last = x.bytes[size - 1]; /* for the sanitizer */
        (void)last;
    } else if (x.bytes || !err.text[0]) {
        abort();
    }
    idx_release(&x);
    return 0;
}
