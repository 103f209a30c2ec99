#include "archive/mat5.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "larder/mem.h"

#include "larder/banned.h"

enum { HEADER = 128, LARGEST = 16 << 20 };

/* Types of elements. */
enum {
    INT8 = 1,
    UINT8,
    INT16,
    UINT16,
    INT32,
    UINT32,
    SINGLE,
    DOUBLE = 9,
    MATRIX = 14,
    ZIPPED
};

/* Classes of matrices. */
enum { CLASS_STRUCT = 2 };

/* One element: its type and its data. */
struct element {
    uint32_t type;
    const uint8_t *data;
    size_t n;
};

struct bytes {
    const uint8_t *at;
    size_t n;
};

static int damaged(struct error *err)
{
    return error_set(err, E_INPUT, "the MATLAB file is damaged");
}

static uint32_t number32(const uint8_t *b)
{
    uint32_t v;

    memcpy(&v, b, sizeof v);
    return le32toh(v);
}

/* Takes an element off the front: 4 + 4 bytes and its data, padded to 8; or, if the upper
 * half of the first word is not 0, 2 + 2 bytes and 4 of data. */
static int take(struct bytes *b, struct element *e, struct error *err)
{
    size_t whole;

    if (b->n < 8)
        return damaged(err);
    e->type = number32(b->at);
    if (e->type >> 16 != 0) {
        e->n = e->type >> 16;
        e->type &= 0xffff;
        e->data = b->at + 4;
        whole = 8;
        if (e->n > 4)
            return damaged(err);
    } else {
        e->n = number32(b->at + 4);
        e->data = b->at + 8;
        if (e->n > b->n - 8)
            return damaged(err);
        whole = 8 + (e->type == ZIPPED ? e->n : (e->n + 7) / 8 * 8);
    }
    if (whole > b->n) /* the last one need not be padded */
        whole = b->n;
    b->at += whole;
    b->n -= whole;
    return 0;
}

static double one_number(const struct element *e, size_t i)
{
    static const size_t size[] = {
        [INT8] = 1,  [UINT8] = 1,  [INT16] = 2,  [UINT16] = 2,
        [INT32] = 4, [UINT32] = 4, [SINGLE] = 4, [DOUBLE] = 8
    };
    uint64_t raw = 0;
    float f;
    double d;

    if (e->type >= sizeof size / sizeof size[0] || size[e->type] == 0 ||
        (i + 1) * size[e->type] > e->n)
        return 0;
    memcpy(&raw, e->data + i * size[e->type], size[e->type]);
    raw = le64toh(raw);
    switch (e->type) {
    case INT8:
        return (int8_t)raw;
    case INT16:
        return (int16_t)raw;
    case INT32:
        return (int32_t)raw;
    case SINGLE:
        memcpy(&f, &raw, sizeof f);
        return (double)f;
    case DOUBLE:
        memcpy(&d, &raw, sizeof d);
        return d;
    default:
        return (double)raw;
    }
}

/* Characters are bytes, UTF-8, or numbers of 2 or 4 bytes; type 16 and 17 are UTF-8 and
 * UTF-16. */
static void take_text(struct mat5_cell *c, const struct element *e)
{
    size_t each = e->type == UINT16 || e->type == 17   ? 2
                  : e->type == UINT32 || e->type == 18 ? 4
                                                       : 1,
           n = 0;

    for (size_t i = 0; i + each <= e->n && n + 1 < sizeof c->text; i += each)
        c->text[n++] = e->data[i] < 128 ? (char)e->data[i] : '?';
    c->text[n] = '\0';
}

/* What all matrices begin with; body: what follows. */
struct matrix {
    int class;
    size_t elements;
    char name[64];
    struct bytes body;
};

static int open_matrix(struct matrix *m, const struct element *e, struct error *err)
{
    struct element flags, dims, name;

    *m = (struct matrix){ .elements = 1, .body = { e->data, e->n } };
    if (e->type != MATRIX || take(&m->body, &flags, err) < 0 ||
        take(&m->body, &dims, err) < 0 || take(&m->body, &name, err) < 0 || flags.n < 4)
        return damaged(err);
    m->class = flags.data[0];
    for (size_t i = 0; i < dims.n / 4; i++)
        if (__builtin_mul_overflow(m->elements, number32(dims.data + 4 * i),
                                   &m->elements))
            return damaged(err);
    memcpy(m->name, name.data, name.n < sizeof m->name ? name.n : sizeof m->name - 1);
    return 0;
}

static int take_cell(struct mat5_cell *c, struct bytes *b, struct error *err)
{
    struct element e, value;
    struct matrix m;

    if (take(b, &e, err) < 0)
        return E_INPUT;
    if (e.n == 0) /* an empty value is an empty matrix */
        return 0;
    if (open_matrix(&m, &e, err) < 0)
        return E_INPUT;
    if (m.elements == 0 || m.class == CLASS_STRUCT || m.class == 1)
        return 0;
    if (take(&m.body, &value, err) < 0)
        return E_INPUT;
    c->number = one_number(&value, 0);
    take_text(c, &value);
    return 0;
}

static int take_struct(struct mat5 *m, struct matrix *from, struct error *err)
{
    struct element length, names;
    size_t width, cells;
    double wide;
    int rc = 0;

    if (take(&from->body, &length, err) < 0 || take(&from->body, &names, err) < 0)
        return E_INPUT;
    wide = one_number(&length, 0);
    if (!(wide >= 1 && wide <= (double)sizeof *m->field))
        return damaged(err);
    width = (size_t)wide;
    if (names.n % width != 0)
        return damaged(err);
    m->fields = names.n / width;
    m->n = from->elements;
    if (__builtin_mul_overflow(m->n, m->fields, &cells) || cells > from->body.n)
        return damaged(err);
    m->field = xcalloc(m->fields + 1, sizeof *m->field);
    m->cell = xcalloc(cells + 1, sizeof *m->cell);
    for (size_t i = 0; i < m->fields; i++)
        memcpy(m->field[i], names.data + i * width, width - 1);
    for (size_t i = 0; i < cells && rc == 0; i++)
        rc = take_cell(&m->cell[i], &from->body, err);
    return rc;
}

static int inflate_element(struct buf *to, const struct element *e, struct error *err)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)e->data, .avail_in = (uInt)e->n };
    uint8_t chunk[65536];
    int status = Z_OK;

    buf_reset(to);
    if (inflateInit(&z) != Z_OK)
        return error_set(err, E_SYSTEM, "zlib cannot be set up");
    while (status == Z_OK && to->len < LARGEST) {
        z.next_out = chunk;
        z.avail_out = sizeof chunk;
        status = inflate(&z, Z_NO_FLUSH);
        buf_add(to, chunk, sizeof chunk - z.avail_out);
    }
    inflateEnd(&z);
    return status == Z_STREAM_END ? 0 : damaged(err);
}

/* Whether e, or what is zipped in it, is the struct array of this name: then it is taken.
 */
static int try_variable(struct mat5 *m, struct element e, const char *name,
                        struct error *err)
{
    struct bytes inner;
    struct matrix x;
    int rc;

    if (e.type == ZIPPED) {
        rc = inflate_element(&m->bytes, &e, err);
        if (rc < 0)
            return rc;
        inner = (struct bytes){ (const uint8_t *)buf_str(&m->bytes), m->bytes.len };
        if (take(&inner, &e, err) < 0)
            return E_INPUT;
    }
    if (e.type != MATRIX)
        return 0;
    rc = open_matrix(&x, &e, err);
    if (rc < 0 || x.class != CLASS_STRUCT || strcmp(x.name, name) != 0)
        return rc;
    rc = take_struct(m, &x, err);
    return rc < 0 ? rc : 1;
}

int mat5_read(struct mat5 *m, const void *bytes, size_t n, const char *name,
              struct error *err)
{
    struct bytes b = { bytes, n };
    struct element e;
    int rc = 0;

    *m = (struct mat5){ 0 };
    if (n < HEADER || memcmp((const char *)bytes + 126, "IM", 2) != 0)
        return error_set(err, E_INPUT, "it is no MATLAB 5 file (little-endian)");
    b.at += HEADER;
    b.n -= HEADER;
    while (b.n > 0 && rc == 0) {
        rc = take(&b, &e, err);
        if (rc == 0)
            rc = try_variable(m, e, name, err);
    }
    if (rc == 0)
        rc = error_set(err, E_INPUT, "there is no struct array %s in it", name);
    if (rc < 0)
        mat5_release(m);
    return rc < 0 ? rc : 0;
}

void mat5_release(struct mat5 *m)
{
    free(m->cell);
    free(m->field);
    buf_release(&m->bytes);
    *m = (struct mat5){ 0 };
}

int mat5_field(const struct mat5 *m, const char *name)
{
    for (size_t i = 0; i < m->fields; i++)
        if (strcmp(m->field[i], name) == 0)
            return (int)i;
    return -1;
}

const struct mat5_cell *mat5_get(const struct mat5 *m, size_t element, int field)
{
    return &m->cell[element * m->fields + (size_t)field];
}
