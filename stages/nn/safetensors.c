/*
 * safetensors - see safetensors.h.
 *
 * The header is read by jansson, which refuses duplicate names, bytes that are not UTF-8
 * and numbers that are not JSON. Entries are then sorted by where their bytes begin and
 * must tile the rest of the file exactly, each as long as its shape says.
 */
#include "nn/safetensors.h"

#include <endian.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"

enum { HEADER_MAX = 100000000 };

/* The element types that a list may have, with their bytes. */
static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    { "F32", 4 }, { "F64", 8 }, { "F16", 2 }, { "BF16", 2 }, { "I64", 8 },
    { "I32", 4 }, { "I16", 2 }, { "I8", 1 },  { "U8", 1 },   { "BOOL", 1 },
};

enum { N_DTYPES = sizeof dtypes / sizeof dtypes[0] };

/* A JSON integer in 0..limit. */
static bool get_size(const json_t *v, size_t limit, size_t *n)
{
    json_int_t i = json_integer_value(v);

    if (!json_is_integer(v) || i < 0 || (uint64_t)i > limit)
        return false;
    *n = (size_t)i;
    return true;
}

/* Reads the shape and checks that it needs exactly the bytes [begin, end). */
static int read_shape(struct safetensors_entry *e, const json_t *shape, size_t item,
                      struct error *err)
{
    size_t n = 1, d;

    if (!json_is_array(shape))
        return error_set(err, E_INPUT, "tensor %s has no shape", e->name);
    if (json_array_size(shape) > SAFETENSORS_DIMS)
        return error_set(
            err, E_INPUT,
            "tensor %s has %zu dimensions; more than %d are not supported by "
            "this version",
            e->name, json_array_size(shape), SAFETENSORS_DIMS);
    e->n_dims = (int)json_array_size(shape);
    for (int i = 0; i < e->n_dims; i++) {
        if (!get_size(json_array_get(shape, (size_t)i), INT32_MAX, &d))
            return error_set(err, E_INPUT, "tensor %s: dimension %d is not a size",
                             e->name, i);
        e->dim[i] = (long)d;
        if (__builtin_mul_overflow(n, d, &n))
            return error_set(err, E_INPUT, "tensor %s: its shape is too large", e->name);
    }
    if (n > SIZE_MAX / item || n * item != e->end - e->begin)
        return error_set(err, E_INPUT,
                         "tensor %s has %zu bytes, its shape needs another "
                         "number",
                         e->name, e->end - e->begin);
    return 0;
}

static int read_dtype(struct safetensors_entry *e, const json_t *v, size_t *item,
                      struct error *err)
{
    const char *dtype = json_string_value(json_object_get(v, "dtype"));

    if (dtype == NULL)
        return error_set(err, E_INPUT, "tensor %s has no dtype", e->name);
    for (size_t i = 0; i < N_DTYPES; i++) {
        if (strcmp(dtype, dtypes[i].name) != 0)
            continue;
        e->dtype = dtypes[i].name;
        *item = dtypes[i].size;
        return 0;
    }
    return error_set(err, E_INPUT,
                     "tensor %s is of dtype %.16s, which is not supported by this "
                     "version",
                     e->name, dtype);
}

static int read_entry(struct safetensors_entry *e, const char *name, const json_t *v,
                      size_t size, struct error *err)
{
    const json_t *place = json_object_get(v, "data_offsets");
    size_t item = 0;
    int rc;

    *e = (struct safetensors_entry){ .name = name };
    rc = read_dtype(e, v, &item, err);
    if (rc < 0)
        return rc;
    if (json_object_size(v) != 3)
        return error_set(err, E_INPUT,
                         "tensor %s has fields other than dtype, shape and "
                         "data_offsets",
                         name);
    if (!json_is_array(place) || json_array_size(place) != 2 ||
        !get_size(json_array_get(place, 0), size, &e->begin) ||
        !get_size(json_array_get(place, 1), size, &e->end) || e->begin > e->end)
        return error_set(err, E_INPUT, "tensor %s: its bytes are not inside the file",
                         name);
    return read_shape(e, json_object_get(v, "shape"), item, err);
}

static int by_place(const void *a, const void *b)
{
    const struct safetensors_entry *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) /* an empty tensor comes before the one that begins there */
        return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int check_metadata(const json_t *v, struct error *err)
{
    const char *key;
    json_t *x;

    if (!json_is_object(v))
        return error_set(err, E_INPUT, "__metadata__ is not an object");
    json_object_foreach((json_t *)v, key, x) if (!json_is_string(x)) return error_set(
        err, E_INPUT, "__metadata__ %s is not a string", key);
    return 0;
}

static bool is_input_plain(const json_t *header)
{
    const json_t *v = json_object_get(header, "__metadata__");
    const char *word = json_string_value(json_object_get(v, "transform_input"));

    return word != NULL && strcmp(word, "off") == 0;
}

/* Fills e with one entry a tensor, sorted by place, *n of them. */
static int read_entries(struct safetensors_entry *e, size_t *n, json_t *header,
                        size_t size, struct error *err)
{
    const char *name;
    size_t at = 0;
    json_t *v;
    int rc;

    *n = 0;
    json_object_foreach(header, name, v)
    {
        if (strcmp(name, "__metadata__") == 0)
            rc = check_metadata(v, err);
        else
            rc = read_entry(&e[(*n)++], name, v, size, err);
        if (rc < 0)
            return rc;
    }
    qsort(e, *n, sizeof *e, by_place);
    for (size_t i = 0; i < *n; i++) {
        if (e[i].begin != at)
            return error_set(err, E_INPUT,
                             "tensor %s begins at byte %zu, not where the "
                             "bytes before it end (%zu)",
                             e[i].name, e[i].begin, at);
        at = e[i].end;
    }
    if (at != size)
        return error_set(err, E_INPUT, "%zu bytes at the end belong to no tensor",
                         size - at);
    return 0;
}

/* The JSON object of the header, new, and where the bytes of the tensors begin. */
static json_t *read_header(const char *bytes, size_t n, size_t *data, struct error *err)
{
    uint64_t length;
    json_error_t why;
    json_t *header;

    if (n < sizeof length) {
        error_set(err, E_INPUT, "too short for a safetensors file (%zu bytes)", n);
        return NULL;
    }
    memcpy(&length, bytes, sizeof length);
    length = le64toh(length);
    if (length > HEADER_MAX || length > n - sizeof length) {
        error_set(err, E_INPUT, "its header of %llu bytes does not fit",
                  (unsigned long long)length);
        return NULL;
    }
    *data = sizeof length + (size_t)length;
    if (length == 0 || bytes[sizeof length] != '{') {
        error_set(err, E_INPUT, "its header does not begin with {");
        return NULL;
    }
    header =
        json_loadb(bytes + sizeof length, (size_t)length, JSON_REJECT_DUPLICATES, &why);
    if (header == NULL)
        error_set(err, E_INPUT, "its header: %s", why.text);
    return header;
}

int safetensors_list(struct safetensors_list *l, const char *bytes, size_t n,
                     struct error *err)
{
    json_t *header;
    size_t data;
    int rc;

    *l = (struct safetensors_list){ 0 };
    header = read_header(bytes, n, &data, err);
    if (header == NULL)
        return E_INPUT;
    l->header = header;
    l->entry = xcalloc(json_object_size(header) + 1, sizeof *l->entry);
    rc = read_entries(l->entry, &l->n, header, n - data, err);
    for (size_t i = 0; i < l->n; i++) {
        l->entry[i].begin += data;
        l->entry[i].end += data;
    }
    if (rc < 0)
        safetensors_release(l);
    return rc;
}

void safetensors_release(struct safetensors_list *l)
{
    free(l->entry);
    json_decref(l->header);
    *l = (struct safetensors_list){ 0 };
}

static bool is_integer(const struct safetensors_entry *e)
{
    return strcmp(e->dtype, "I64") == 0;
}

static int check_model(const struct safetensors_entry *e, struct error *err)
{
    if (!is_integer(e) && strcmp(e->dtype, "F32") != 0)
        return error_set(err, E_INPUT,
                         "tensor %s is of dtype %s, which is not supported by this "
                         "version; it reads F32 and I64",
                         e->name, e->dtype);
    if (e->n_dims > TENSOR_DIMS)
        return error_set(err, E_INPUT,
                         "tensor %s has %d dimensions; more than %d are not supported "
                         "by this version",
                         e->name, e->n_dims, TENSOR_DIMS);
    return 0;
}

static int read_counts(struct tensor *x, const char *bytes, struct error *err)
{
    uint64_t raw;

    x->integer = true;
    for (size_t i = 0; i < x->n; i++) {
        memcpy(&raw, bytes + i * sizeof raw, sizeof raw);
        raw = le64toh(raw);
        if (raw > TENSOR_COUNT_MAX)
            return error_set(err, E_INPUT, "tensor %s: %lld is not a count from 0 to %d",
                             x->name, (long long)raw, TENSOR_COUNT_MAX);
        x->value[i] = (float)raw;
    }
    return 0;
}

/* view: values may lie in bytes. */
static int add_all(struct tensors *t, const struct safetensors_list *l, char *bytes,
                   bool view, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < l->n && rc == 0; i++)
        rc = check_model(&l->entry[i], err);
    for (size_t i = 0; i < l->n && rc == 0; i++) {
        const struct safetensors_entry *e = &l->entry[i];
        char *from = bytes + e->begin;
        bool stays = view && !is_integer(e) && (uintptr_t)from % sizeof(float) == 0;
        struct tensor *x = stays ? tensors_add_view(t, e->name, e->n_dims, e->dim, from)
                                 : tensors_add(t, e->name, e->n_dims, e->dim);

        if (is_integer(e))
            rc = read_counts(x, from, err);
        else if (!stays)
            memcpy(x->value, from, e->end - e->begin);
    }
    return rc;
}

static int parse(struct tensors *t, char *bytes, size_t n, bool view, struct error *err)
{
    struct safetensors_list l;
    int rc = safetensors_list(&l, bytes, n, err);

    if (rc == 0) {
        t->plain_input = is_input_plain(l.header);
        rc = add_all(t, &l, bytes, view, err);
        safetensors_release(&l);
    }
    if (rc < 0)
        tensors_release(t);
    return rc;
}

int safetensors_parse(struct tensors *t, const char *bytes, size_t n, struct error *err)
{
    return parse(t, (char *)bytes, n, false, err);
}

int safetensors_view(struct tensors *t, char *bytes, size_t n, struct error *err)
{
    return parse(t, bytes, n, true, err);
}

/* Counts first, so that each value lies at a multiple of its size. */
static int by_name(const void *a, const void *b)
{
    const struct tensor *const *x = a, *const *y = b;

    if ((*x)->integer != (*y)->integer)
        return (*x)->integer ? -1 : 1;
    return strcmp((*x)->name, (*y)->name);
}

static size_t size_of(const struct tensor *x)
{
    return x->n * (x->integer ? sizeof(int64_t) : sizeof(float));
}

static void format_values(struct buf *to, const struct tensor *x)
{
    if (!x->integer) {
        buf_add(to, x->value, size_of(x));
        return;
    }
    for (size_t i = 0; i < x->n; i++) {
        uint64_t raw = htole64((uint64_t)x->value[i]);
        buf_add(to, &raw, sizeof raw);
    }
}

/* "NAME":{"dtype":"F32","shape":[..],"data_offsets":[b,e]} */
static void format_entry(struct buf *to, const struct tensor *x, size_t at)
{
    json_t *name = json_string(x->name);
    char *quoted = json_dumps(name, JSON_ENCODE_ANY | JSON_COMPACT);

    buf_printf(to, "%s:{\"dtype\":\"%s\",\"shape\":[", quoted,
               x->integer ? "I64" : "F32");
    for (int i = 0; i < x->n_dims; i++)
        buf_printf(to, "%s%ld", i == 0 ? "" : ",", x->dim[i]);
    buf_printf(to, "],\"data_offsets\":[%zu,%zu]}", at, at + size_of(x));
    free(quoted);
    json_decref(name);
}

static void format_metadata(struct buf *to, const struct tensors *t, const char *format)
{
    if (format == NULL && !t->plain_input)
        return;
    buf_adds(to, "\"__metadata__\":{");
    if (format != NULL)
        buf_printf(to, "\"format\":\"%s\"%s", format, t->plain_input ? "," : "");
    if (t->plain_input)
        buf_adds(to, "\"transform_input\":\"off\"");
    buf_printf(to, "}%s", t->n > 0 ? "," : "");
}

int safetensors_format(const struct tensors *t, struct buf *to, struct error *err)
{
    return safetensors_format_as(t, NULL, to, err);
}

int safetensors_format_as(const struct tensors *t, const char *format, struct buf *to,
                          struct error *err)
{
    const struct tensor **sorted = xcalloc(t->n + 1, sizeof *sorted);
    struct buf header = { 0 };
    uint64_t length;
    size_t at = 0;
    int rc = 0;

    for (size_t i = 0; i < t->n; i++)
        sorted[i] = &t->tensor[i];
    qsort(sorted, t->n, sizeof *sorted, by_name);
    buf_addc(&header, '{');
    format_metadata(&header, t, format);
    for (size_t i = 0; i < t->n; i++) {
        if (i > 0 && strcmp(sorted[i]->name, sorted[i - 1]->name) == 0) {
            rc = error_set(err, E_INPUT, "two tensors are called %s", sorted[i]->name);
            goto out;
        }
        if (i > 0)
            buf_addc(&header, ',');
        format_entry(&header, sorted[i], at);
        at += size_of(sorted[i]);
    }
    buf_addc(&header, '}');
    while (header.len % 8 != 0)
        buf_addc(&header, ' ');
    length = htole64(header.len);
    buf_reserve(to, sizeof length + header.len + at);
    buf_add(to, &length, sizeof length);
    buf_add(to, header.s, header.len);
    for (size_t i = 0; i < t->n; i++)
        format_values(to, sorted[i]);
out:
    buf_release(&header);
    free(sorted);
    return rc;
}
