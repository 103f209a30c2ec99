#include "image/idx.h"

#include <assert.h>
#include <zlib.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

/*
 * The format (http://yann.lecun.com/exdb/mnist/): two zero bytes, the type (0x08: bytes),
 * the number of dimensions, each dimension as a big-endian 32-bit number, the array.
 */
enum { TYPE_BYTES = 0x08, DEFLATED_AT_MOST = 1032 }; /* bytes that one can stand for */
#define SIZE_MAX_BYTES (1ULL << 30)

/* Inflates exactly n bytes. */
static int inflate_bytes(z_stream *z, void *to, size_t n, struct error *err)
{
    int code;

    z->next_out = to;
    z->avail_out = (uInt)n;
    while (z->avail_out > 0) {
        code = inflate(z, Z_NO_FLUSH);
        if (code == Z_STREAM_END && z->avail_out > 0)
            return error_set(err, E_INPUT, "too few bytes for its dimensions");
        if (code == Z_BUF_ERROR)
            return error_set(err, E_INPUT, "cut short");
        if (code != Z_OK && code != Z_STREAM_END)
            return error_set(err, E_INPUT, "not gzip, or damaged (%s)",
                             z->msg != NULL ? z->msg : zError(code));
    }
    return 0;
}

/* The compressed data must end here: zlib has checked its sum, and nothing follows. */
static int expect_end(z_stream *z, struct error *err)
{
    uint8_t more;

    z->next_out = &more;
    z->avail_out = 1;
    if (inflate(z, Z_FINISH) != Z_STREAM_END || z->avail_out == 0 || z->avail_in > 0)
        return error_set(err, E_INPUT, "more bytes than its dimensions, or damaged");
    return 0;
}

static int read_header(struct idx *x, z_stream *z, int n_dims, size_t *size,
                       struct error *err)
{
    uint8_t h[4 + 4 * IDX_DIMS_MAX];
    unsigned long long n = 1;
    int rc = inflate_bytes(z, h, 4 + 4 * (size_t)n_dims, err);

    if (rc < 0)
        return rc;
    if (h[0] != 0 || h[1] != 0 || h[2] != TYPE_BYTES || h[3] != n_dims)
        return error_set(err, E_INPUT, "not an IDX array of bytes with %d dimension%s",
                         n_dims, n_dims > 1 ? "s" : "");
    x->n_dims = n_dims;
    for (int i = 0; i < n_dims; i++) {
        const uint8_t *d = h + 4 + 4 * i;

        x->dim[i] =
            (uint32_t)d[0] << 24 | (uint32_t)d[1] << 16 | (uint32_t)d[2] << 8 | d[3];
        n *= x->dim[i];
        if (n == 0 || n > SIZE_MAX_BYTES)
            return error_set(err, E_INPUT, "empty, or larger than 1 GiB");
    }
    *size = (size_t)n;
    return 0;
}

int idx_read(struct idx *x, const char *path, int n_dims, struct error *err)
{
    struct buf file = { 0 };
    z_stream z = { 0 };
    size_t size = 0;
    int rc;

    assert(n_dims >= 1 && n_dims <= IDX_DIMS_MAX);
    *x = (struct idx){ 0 };
    rc = fs_read(path, &file, err);
    if (rc < 0)
        return rc;
    z.next_in = (unsigned char *)file.s;
    z.avail_in = (uInt)file.len;
    if (file.len > SIZE_MAX_BYTES || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
        rc = error_set(err, E_INPUT, "larger than 1 GiB, or zlib cannot be started");
        goto out;
    }
    rc = read_header(x, &z, n_dims, &size, err);
    if (rc < 0)
        goto out;
    if (size / DEFLATED_AT_MOST > file.len) {
        rc = error_set(err, E_INPUT, "too few bytes for its dimensions");
        goto out;
    }
    x->bytes = xmalloc(size);
    rc = inflate_bytes(&z, x->bytes, size, err);
    if (rc == 0)
        rc = expect_end(&z, err);
out:
    inflateEnd(&z);
    buf_release(&file);
    if (rc < 0) {
        idx_release(x);
        error_context(err, "%s", path);
    }
    return rc;
}

void idx_release(struct idx *x)
{
    free(x->bytes);
    *x = (struct idx){ 0 };
}
