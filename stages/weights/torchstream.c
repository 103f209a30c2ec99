#include "weights/torchstream.h"

#include <string.h>

#include "weights/storage.h"

#include "larder/banned.h"

static const uint8_t magic[] = { 0x80, 2,    0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.' };

enum { PROTOCOL = 1001 };

int torchstream_check_system(const struct node *system, struct error *err)
{
    const struct node *little = node_get(system, "little_endian");

    if (little == NULL || little->kind != NODE_BOOL)
        return error_set(err, E_INPUT, "the file does not say how its numbers lie");
    if (!little->integer)
        return error_set(err, E_INPUT, "its numbers are not little-endian");
    return 0;
}

/* Everything before the object. */
static int read_head(struct torch *t, const struct source *f, size_t *at,
                     struct error *err)
{
    struct node *x;
    int rc;

    if (!source_has(f, 0, sizeof magic) || memcmp(f->s, magic, sizeof magic) != 0)
        return error_set(err, E_INPUT, "not a file of PyTorch: its magic number differs");
    *at = sizeof magic;
    rc = pickle_read(&t->pickle, f->s, f->n, at, &x, err);
    if (rc < 0)
        return rc;
    if (x->kind != NODE_INT || x->integer != PROTOCOL)
        return error_set(err, E_INPUT,
                         "not protocol 1001, which is the only one of its kind");
    rc = pickle_read(&t->pickle, f->s, f->n, at, &x, err);
    return rc < 0 ? rc : torchstream_check_system(x, err);
}

/* The object says of each storage what type and size it has; where it lies follows later.
 */
static int add_storages(struct torch *t, struct error *err)
{
    for (size_t i = 0; i < t->pickle.n_persistent; i++) {
        const struct node *x = t->pickle.persistent[i];
        struct storage_id s;
        struct block block = { .at = SIZE_MAX }, *b;
        size_t first;
        int rc;

        if (!storage_is_id(x->id))
            continue; /* the source of a class: nobody asks for it */
        rc = storage_read_id(x->id, &s, err);
        if (rc < 0)
            return error_context(err, "byte %zu", x->at);
        block.items = s.items;
        block.dtype = s.dtype;
        rc = map_get(&t->storage, s.key) != NULL ? storage_find(t, x->id, &b, &first, err)
                                                 : storage_add(t, s.key, &block, &b, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int place_storage(struct torch *t, const struct source *f, const struct node *key,
                         size_t *at, struct error *err)
{
    char text[STORAGE_KEY];
    struct block *b;
    uint64_t items;

    if (storage_key(key, text) < 0 || (b = map_get(&t->storage, text)) == NULL)
        return error_set(err, E_INPUT, "a storage that no tensor lies in");
    if (b->at != SIZE_MAX)
        return error_set(err, E_INPUT, "storage %s is there twice", text);
    if (!source_has(f, *at, sizeof items))
        return error_set(err, E_INPUT, "the file ends before storage %s", text);
    items = get_u64(f->s + *at);
    *at += sizeof items;
    if (items != b->items)
        return error_set(err, E_INPUT,
                         "storage %s has %llu elements at byte %zu, its tensors say %zu",
                         text, (unsigned long long)items, *at - sizeof items, b->items);
    if (!source_has(f, *at, b->items * dtype_size(b->dtype)))
        return error_set(err, E_INPUT, "the file ends within storage %s", text);
    b->at = *at;
    *at += b->items * dtype_size(b->dtype);
    return 0;
}

static int place_storages(struct torch *t, const struct source *f, size_t at,
                          const struct node *keys, struct error *err)
{
    int rc = 0;

    if (keys->kind != NODE_LIST)
        return error_set(err, E_INPUT, "the list of storages is missing");
    for (size_t i = 0; i < keys->list.n && rc == 0; i++)
        rc = place_storage(t, f, keys->list.item[i], &at, err);
    if (rc == 0 && at != f->n)
        rc = error_set(err, E_INPUT, "%zu bytes at the end belong to no storage",
                       f->n - at);
    for (size_t i = 0; i < t->storage.n && rc == 0; i++)
        if (((struct block *)t->storage.entry[i].value)->at == SIZE_MAX)
            rc = error_set(err, E_INPUT, "the file does not hold storage %s",
                           t->storage.entry[i].key);
    return rc;
}

int torchstream_open(struct torch *t, const struct source *f, struct error *err)
{
    struct node *keys;
    size_t at;
    int rc;

    rc = read_head(t, f, &at, err);
    if (rc == 0)
        rc = pickle_read(&t->pickle, f->s, f->n, &at, &t->root, err);
    if (rc == 0)
        rc = add_storages(t, err);
    if (rc == 0)
        rc = pickle_read(&t->pickle, f->s, f->n, &at, &keys, err);
    return rc < 0 ? rc : place_storages(t, f, at, keys, err);
}
