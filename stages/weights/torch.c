#include "weights/torch.h"

#include <string.h>

#include "weights/storage.h"
#include "weights/tar.h"
#include "weights/torchstream.h"
#include "weights/torchtar.h"
#include "weights/torchzip.h"

#include "larder/banned.h"

/* Wrappings of a tensor (a Parameter of a Parameter ...) that are taken off. */
enum { WRAPPINGS = 4 };

int torch_container(const struct source *f)
{
    if (f->n >= 4 && memcmp(f->s, "PK\3\4", 4) == 0)
        return TORCH_ZIP;
    if (f->n >= 4 && memcmp(f->s, "\x80\2\x8a\n", 4) == 0)
        return TORCH_STREAM;
    return tar_is(f->s, f->n) ? TORCH_TAR : TORCH_NOT;
}

int torch_open(struct torch *t, const struct source *f, bool foreign, struct error *err)
{
    int rc;

    *t = (struct torch){ .pickle.foreign = foreign };
    switch (torch_container(f)) {
    case TORCH_ZIP:
        rc = torchzip_open(t, f, err);
        break;
    case TORCH_STREAM:
        rc = torchstream_open(t, f, err);
        break;
    case TORCH_TAR:
        rc = torchtar_open(t, f, err);
        break;
    default:
        rc = error_set(err, E_INPUT, "not a file of PyTorch");
    }
    if (rc < 0)
        torch_release(t);
    return rc;
}

void torch_release(struct torch *t)
{
    zip_release(&t->zip);
    map_release(&t->tensor);
    map_release(&t->storage);
    pickle_release(&t->pickle);
    *t = (struct torch){ 0 };
}

/* A tuple of whole numbers. */
static int read_numbers(const struct node *x, int *n, long *number, struct error *err)
{
    if (x == NULL || x->kind != NODE_TUPLE)
        return error_set(err, E_INPUT, "its shape is no tuple");
    if (x->list.n > VIEW_DIMS)
        return error_set(err, E_INPUT, "it has %zu dimensions; at most %d are read",
                         x->list.n, VIEW_DIMS);
    *n = (int)x->list.n;
    for (int i = 0; i < *n; i++) {
        if (x->list.item[i]->kind != NODE_INT)
            return error_set(err, E_INPUT, "its shape holds something else than numbers");
        number[i] = (long)x->list.item[i]->integer;
    }
    return 0;
}

/* A call's arguments: storage, first element, shape, strides, ... */
static int rebuild(struct torch *t, const struct node *args, struct view *v,
                   struct error *err)
{
    const struct node *storage = node_item(args, 0), *first = node_item(args, 1);
    int n_strides = 0, rc;

    if (args->list.n < 4 || storage->kind != NODE_PERSISTENT || first->kind != NODE_INT ||
        first->integer < 0)
        return error_set(err, E_INPUT, "it is made of something else than a storage");
    rc = storage_find(t, storage->id, &v->block, &v->first, err);
    if (rc == 0)
        rc = read_numbers(node_item(args, 2), &v->n_dims, v->dim, err);
    if (rc == 0)
        rc = read_numbers(node_item(args, 3), &n_strides, v->stride, err);
    if (rc < 0)
        return rc;
    if (n_strides != v->n_dims)
        return error_set(err, E_INPUT, "it has %d dimensions and %d strides", v->n_dims,
                         n_strides);
    if (__builtin_add_overflow(v->first, (size_t)first->integer, &v->first))
        return error_set(err, E_INPUT, "its offset is too large");
    return view_check(v, err);
}

/* What a Parameter was made from, or x itself. */
static const struct node *unwrap(const struct node *x)
{
    for (int i = 0; i < WRAPPINGS; i++) {
        const struct node *inner = NULL;

        if (node_calls(x, NAME_REBUILD_PARAMETER))
            inner = node_item(x->call.args, 0);
        else if (node_calls(x, NAME_PARAMETER) && x->call.state)
            inner = node_item(x->call.state, 0);
        if (inner == NULL)
            return x;
        x = inner;
    }
    return x;
}

static int find_tensor(const struct torch *t, const struct node *id, struct view *v,
                       struct error *err)
{
    char key[STORAGE_KEY];
    const struct view *found;

    if (storage_key(id, key) < 0 || (found = map_get(&t->tensor, key)) == NULL)
        return error_set(err, E_INPUT, "the file does not hold its values");
    *v = *found;
    return view_check(v, err);
}

int torch_view(struct torch *t, const struct node *x, struct view *v, struct error *err)
{
    char text[80];

    *v = (struct view){ 0 };
    x = unwrap(x);
    if (node_calls(x, NAME_REBUILD_TENSOR))
        return rebuild(t, x->call.args, v, err);
    if (x->kind == NODE_PERSISTENT)
        return find_tensor(t, x->id, v, err);
    return error_set(err, E_INPUT, "it is %s, not a tensor (byte %zu)",
                     node_describe(x, text, sizeof text), x->at);
}
