/*
 * torchtar - see torchtar.h.
 *
 * storages: pickle(n), n times { pickle((key, device, class)), the number of elements in
 * 8 bytes, the elements }, pickle([(key of a part, key, first element, elements), ...]).
 * tensors: pickle(n), n times { pickle((key, key of its storage, class)), the number of
 * dimensions in 4 bytes and 4 more, sizes and strides in 8 bytes each, the first element
 * in 8 }.
 */
#include "weights/torchtar.h"

#include <string.h>

#include "weights/storage.h"
#include "weights/tar.h"
#include "weights/torchstream.h"

#include "larder/banned.h"

/* What is left of a member. */
struct rest {
    const uint8_t *s;
    size_t at, end;
};

static int open_member(struct rest *r, const struct source *f, const char *name,
                       struct error *err)
{
    struct tar_member m;
    int rc = tar_find(f->s, f->n, name, &m, err);

    if (rc == 0)
        *r = (struct rest){ .s = f->s, .at = m.at, .end = m.at + m.size };
    return rc;
}

static int take_pickle(struct torch *t, struct rest *r, struct node **x,
                       struct error *err)
{
    return pickle_read(&t->pickle, r->s, r->end, &r->at, x, err);
}

static int take_number(struct rest *r, size_t *n, struct error *err)
{
    uint64_t x;

    if (r->end - r->at < sizeof x)
        return error_set(err, E_INPUT, "the archive's member ends at byte %zu", r->end);
    x = get_u64(r->s + r->at);
    r->at += sizeof x;
    if (x > SIZE_MAX / 16)
        return error_set(err, E_INPUT, "the number at byte %zu is out of range",
                         r->at - sizeof x);
    *n = (size_t)x;
    return 0;
}

/* A pickle that is a count; each thing counted needs at least a byte. */
static int take_count(struct torch *t, struct rest *r, size_t *n, struct error *err)
{
    struct node *x;
    int rc = take_pickle(t, r, &x, err);

    if (rc < 0)
        return rc;
    if (x->kind != NODE_INT || x->integer < 0 || (uint64_t)x->integer > r->end - r->at)
        return error_set(err, E_INPUT, "a count that is none, at byte %zu", x->at);
    *n = (size_t)x->integer;
    return 0;
}

static int read_storage(struct torch *t, struct rest *r, struct error *err)
{
    struct block block = { 0 }, *b;
    const struct node *class;
    char key[STORAGE_KEY];
    struct node *x;
    int rc = take_pickle(t, r, &x, err);

    if (rc == 0)
        rc = take_number(r, &block.items, err);
    if (rc < 0)
        return rc;
    class = node_item(x, 2);
    if (class == NULL || class->kind != NODE_NAME || class->name.is != NAME_STORAGE ||
        storage_key(node_item(x, 0), key) < 0)
        return error_set(err, E_INPUT, "byte %zu: not a storage", x->at);
    block.dtype = class->name.dtype;
    block.at = r->at;
    if (block.items * dtype_size(block.dtype) > r->end - r->at)
        return error_set(err, E_INPUT, "storage %s does not fit", key);
    r->at += block.items * dtype_size(block.dtype);
    return storage_add(t, key, &block, &b, err);
}

/* A part of a storage has a key of its own. */
static int read_part(struct torch *t, const struct node *x, struct error *err)
{
    char part[STORAGE_KEY], whole[STORAGE_KEY];
    const struct node *first = node_item(x, 2), *items = node_item(x, 3);
    const struct block *b;
    struct block block, *added;

    if (items == NULL || storage_key(node_item(x, 0), part) < 0 ||
        storage_key(node_item(x, 1), whole) < 0 ||
        (b = map_get(&t->storage, whole)) == NULL)
        return error_set(err, E_INPUT, "byte %zu: not a part of a storage", x->at);
    if (first->kind != NODE_INT || items->kind != NODE_INT || first->integer < 0 ||
        items->integer < 0 || (uint64_t)first->integer > b->items ||
        (uint64_t)items->integer > b->items - (uint64_t)first->integer)
        return error_set(err, E_INPUT, "a part of storage %s is not inside it", whole);
    block = *b;
    block.at += (size_t)first->integer * dtype_size(b->dtype);
    block.items = (size_t)items->integer;
    return storage_add(t, part, &block, &added, err);
}

static int read_storages(struct torch *t, const struct source *f, struct error *err)
{
    struct rest r;
    struct node *parts;
    size_t n = 0;
    int rc = open_member(&r, f, "storages", err);

    if (rc == 0)
        rc = take_count(t, &r, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = read_storage(t, &r, err);
    if (rc == 0)
        rc = take_pickle(t, &r, &parts, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; node_item(parts, i) != NULL && rc == 0; i++)
        rc = read_part(t, node_item(parts, i), err);
    return rc;
}

/* Sizes, strides and first element of a view whose block is known. */
static int read_shape(struct view *v, struct rest *r, struct error *err)
{
    uint32_t n_dims;
    size_t x = 0;
    int rc = 0;

    if (r->end - r->at < 8)
        return error_set(err, E_INPUT, "the archive's member ends at byte %zu", r->end);
    n_dims = get_u32(r->s + r->at); /* the 4 bytes behind it may be anything */
    r->at += 8;
    if (n_dims > VIEW_DIMS)
        return error_set(err, E_INPUT, "a tensor of %u dimensions; at most %d are read",
                         (unsigned)n_dims, VIEW_DIMS);
    v->n_dims = (int)n_dims;
    for (int i = 0; i < 2 * v->n_dims && rc == 0; i++) {
        rc = take_number(r, &x, err);
        if (rc == 0)
            *(i < v->n_dims ? &v->dim[i] : &v->stride[i - v->n_dims]) = (long)x;
    }
    return rc < 0 ? rc : take_number(r, &v->first, err);
}

static int read_tensor(struct torch *t, struct rest *r, struct error *err)
{
    struct view *v = arena_alloc(&t->pickle.arena, sizeof *v);
    char key[STORAGE_KEY], storage[STORAGE_KEY];
    struct node *x;
    int rc = take_pickle(t, r, &x, err);

    if (rc < 0)
        return rc;
    if (storage_key(node_item(x, 0), key) < 0 ||
        storage_key(node_item(x, 1), storage) < 0)
        return error_set(err, E_INPUT, "byte %zu: not a tensor", x->at);
    v->block = map_get(&t->storage, storage);
    if (v->block == NULL)
        return error_set(err, E_INPUT, "the file does not hold storage %s", storage);
    rc = read_shape(v, r, err);
    if (rc == 0 && map_set(&t->tensor, key, v) != NULL)
        rc = error_set(err, E_INPUT, "two tensors have the number %s", key);
    return rc;
}

static int read_tensors(struct torch *t, const struct source *f, struct error *err)
{
    struct rest r;
    size_t n = 0;
    int rc = open_member(&r, f, "tensors", err);

    if (rc == 0)
        rc = take_count(t, &r, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = read_tensor(t, &r, err);
    return rc;
}

int torchtar_open(struct torch *t, const struct source *f, struct error *err)
{
    struct node *system;
    struct rest r;
    int rc = open_member(&r, f, "sys_info", err);

    if (rc == 0)
        rc = take_pickle(t, &r, &system, err);
    if (rc == 0)
        rc = torchstream_check_system(system, err);
    if (rc == 0)
        rc = read_storages(t, f, err);
    if (rc == 0)
        rc = read_tensors(t, f, err);
    if (rc == 0)
        rc = open_member(&r, f, "pickle", err);
    return rc < 0 ? rc : take_pickle(t, &r, &t->root, err);
}
