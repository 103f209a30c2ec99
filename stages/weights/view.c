#include "weights/view.h"

#include <string.h>

#include "weights/crc.h"

#include "larder/banned.h"

/* Bytes that are read, checked and converted before the next: they stay in the cache. */
enum { PIECE = 256 * 1024 };

int view_check(struct view *v, struct error *err)
{
    size_t last = v->first, step;

    v->n = 1;
    for (int i = 0; i < v->n_dims; i++) {
        if (v->dim[i] < 0 || v->dim[i] > INT32_MAX)
            return error_set(err, E_INPUT, "dimension %d is not a size", i);
        if (v->stride[i] < 0)
            return error_set(err, E_INPUT, "stride %d is negative", i);
        if (__builtin_mul_overflow(v->n, (size_t)v->dim[i], &v->n) ||
            v->n > SIZE_MAX / 16)
            return error_set(err, E_INPUT, "its shape is too large");
    }
    for (int i = 0; i < v->n_dims && v->n > 0; i++)
        if (__builtin_mul_overflow((size_t)v->dim[i] - 1, (size_t)v->stride[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return error_set(err, E_INPUT, "its strides leave its storage");
    if (v->n > 0 ? last >= v->block->items : v->first > v->block->items)
        return error_set(err, E_INPUT,
                         "it reaches element %zu of a storage of %zu elements", last,
                         v->block->items);
    return 0;
}

void view_set_rows(struct view *v)
{
    long step = 1;

    for (int i = v->n_dims - 1; i >= 0; i--) {
        v->stride[i] = step;
        if (__builtin_mul_overflow(step, v->dim[i], &step))
            step = 0; /* only where another dimension is 0 */
    }
}

/* Whether the elements lie one after the other. */
static bool in_rows(const struct view *v)
{
    long step = 1;

    for (int i = v->n_dims - 1; i >= 0; i--) {
        if (v->dim[i] != 1 && v->stride[i] != step)
            return false;
        step *= v->dim[i];
    }
    return true;
}

static int crc_failed(struct block *b, uint32_t crc, struct error *err)
{
    if (crc != b->crc)
        return error_set(err, E_CORRUPT,
                         "its bytes have the checksum %08x, the file says %08x",
                         (unsigned)crc, (unsigned)b->crc);
    b->checked = true;
    return 0;
}

static int check_block(struct block *b, const struct source *f, struct error *err)
{
    if (!b->has_crc || b->checked)
        return 0;
    return crc_failed(b, crc_add(0, f->s + b->at, b->items * dtype_size(b->dtype)), err);
}

/* All of a float32 block: read, and checked on the way. */
static int read_whole(struct block *b, const struct source *f, float *to,
                      struct error *err)
{
    size_t size = b->items * sizeof *to, done = 0, n;
    uint8_t *place = (uint8_t *)to;
    uint32_t crc = 0;
    int rc = 0;

    for (; done < size && rc == 0; done += n) {
        n = size - done < PIECE ? size - done : PIECE;
        rc = source_copy(f, b->at + done, n, place + done, err);
        if (rc == 0 && b->has_crc)
            crc = crc_add(crc, place + done, n);
    }
    return rc < 0 || !b->has_crc ? rc : crc_failed(b, crc, err);
}

static int refuse_value(const struct view *v, size_t i, struct error *err)
{
    return error_set(err, E_INPUT, "value %zu, of type %s, is none of float32", i,
                     dtype_name(v->block->dtype));
}

static int read_rows(const struct view *v, const struct source *f, float *to,
                     struct error *err)
{
    const struct block *b = v->block;
    size_t item = dtype_size(b->dtype), done;

    if (b->dtype == DTYPE_F32)
        return source_copy(f, b->at + v->first * item, v->n * item, to, err);
    done = dtype_convert(b->dtype, f->s + b->at + v->first * item, v->n, to);
    return done == v->n ? 0 : refuse_value(v, done, err);
}

/* Row by row whatever the strides: index counts like the digits of a number. */
static int gather(const struct view *v, const struct source *f, float *to,
                  struct error *err)
{
    const uint8_t *s = f->s + v->block->at;
    size_t item = dtype_size(v->block->dtype), at = v->first;
    long index[VIEW_DIMS] = { 0 };

    for (size_t i = 0; i < v->n; i++) {
        if (dtype_convert(v->block->dtype, s + at * item, 1, &to[i]) != 1)
            return refuse_value(v, i, err);
        for (int d = v->n_dims - 1; d >= 0; d--) {
            at += (size_t)v->stride[d];
            if (++index[d] < v->dim[d])
                break;
            at -= (size_t)v->stride[d] * (size_t)v->dim[d];
            index[d] = 0;
        }
    }
    return 0;
}

int view_read(const struct view *v, const struct source *f, float *to, struct error *err)
{
    struct block *b = v->block;
    bool rows = v->n == 0 || in_rows(v);
    int rc;

    if (rows && v->n == b->items && b->dtype == DTYPE_F32 && !b->checked)
        return read_whole(b, f, to, err);
    rc = check_block(b, f, err);
    if (rc < 0)
        return rc;
    return rows ? read_rows(v, f, to, err) : gather(v, f, to, err);
}

const char *view_shape(int n_dims, const long *dim, char *text, size_t size)
{
    size_t at = 0;

    snprintf(text, size, "scalar");
    for (int i = 0; i < n_dims && at + 24 < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%ld", i > 0 ? "x" : "", dim[i]);
    return text;
}
