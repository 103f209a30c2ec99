#include "weights/storage.h"

#include <string.h>

#include "weights/torchzip.h"

#include "larder/banned.h"

int storage_key(const struct node *x, char key[STORAGE_KEY])
{
    if (x != NULL && x->kind == NODE_INT) {
        snprintf(key, STORAGE_KEY, "%lld", (long long)x->integer);
        return 0;
    }
    if (x == NULL || x->kind != NODE_TEXT || x->text.n == 0 || x->text.n >= STORAGE_KEY ||
        memchr(x->text.s, '\0', x->text.n) != NULL)
        return E_INPUT;
    memcpy(key, x->text.s, x->text.n);
    key[x->text.n] = '\0';
    return 0;
}

int storage_add(struct torch *t, const char *key, const struct block *b,
                struct block **added, struct error *err)
{
    struct block *own = arena_alloc(&t->pickle.arena, sizeof *own);

    *own = *b;
    if (map_set(&t->storage, key, own) != NULL)
        return error_set(err, E_INPUT, "two storages have the key %s", key);
    *added = own;
    return 0;
}

bool storage_is_id(const struct node *id)
{
    const struct node *word = node_item(id, 0);

    return id->kind == NODE_TUPLE && word != NULL && node_is_text(word, "storage");
}

/* A number of elements: not negative, and such that their bytes can be counted. */
static bool get_items(const struct node *x, size_t *n)
{
    if (x == NULL || x->kind != NODE_INT || x->integer < 0 ||
        (uint64_t)x->integer > SIZE_MAX / 16)
        return false;
    *n = (size_t)x->integer;
    return true;
}

/* None, or (key, first element, elements). */
static int read_part(const struct node *part, struct storage_id *s, struct error *err)
{
    size_t items;

    s->first = 0;
    if (part == NULL || part->kind == NODE_NONE)
        return 0;
    if (!get_items(node_item(part, 1), &s->first) ||
        !get_items(node_item(part, 2), &items) || s->first > s->items ||
        items > s->items - s->first)
        return error_set(err, E_INPUT, "a part of storage %s is not inside it", s->key);
    return 0;
}

int storage_read_id(const struct node *id, struct storage_id *s, struct error *err)
{
    const struct node *class = node_item(id, 1);

    if (!storage_is_id(id) || class == NULL || class->kind != NODE_NAME ||
        class->name.is != NAME_STORAGE || storage_key(node_item(id, 2), s->key) < 0)
        return error_set(err, E_INPUT, "a reference that is none to a storage");
    s->dtype = class->name.dtype;
    if (!get_items(node_item(id, 4), &s->items))
        return error_set(err, E_INPUT, "storage %s has no size", s->key);
    return read_part(node_item(id, 5), s, err);
}

int storage_find(struct torch *t, const struct node *id, struct block **b, size_t *first,
                 struct error *err)
{
    struct storage_id s;
    int rc;

    rc = storage_read_id(id, &s, err);
    if (rc < 0)
        return rc;
    *first = s.first;
    *b = map_get(&t->storage, s.key);
    if (*b == NULL)
        return torchzip_storage(t, &s, b, err);
    if ((*b)->dtype != s.dtype || (*b)->items != s.items)
        return error_set(err, E_INPUT, "two references to storage %s disagree", s.key);
    return 0;
}
