#include "weights/named.h"

#include <string.h>

#include "larder/mem.h"

#include "larder/banned.h"

_Static_assert((int)VIEW_DIMS == (int)SAFETENSORS_DIMS, "shapes are copied whole");

static bool is_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < ' ' || s[i] > '~')
            return false;
    return n > 0 && n <= NAMED_MAX;
}

static int check_once(const struct named *f, struct error *err)
{
    struct map seen = { 0 };
    int rc = 0;

    for (size_t i = 0; i < f->n && rc == 0; i++) {
        if (!is_name(f->item[i].name, strlen(f->item[i].name)))
            rc = error_set(err, E_INPUT,
                           "a tensor whose name is empty, longer than %d "
                           "bytes or not printable ASCII",
                           NAMED_MAX);
        else if (map_set(&seen, f->item[i].name, &seen) != NULL)
            rc = error_set(err, E_INPUT, "two tensors are called %s", f->item[i].name);
    }
    map_release(&seen);
    return rc;
}

/* The dictionary that a path of keys leads to. */
static int follow(const struct node **x, const char *key, struct error *err)
{
    char name[NAMED_MAX + 1];

    while (*key != '\0') {
        size_t n = strcspn(key, "/");

        if (n > NAMED_MAX)
            return error_set(err, E_INPUT, "a key of more than %d bytes", NAMED_MAX);
        memcpy(name, key, n);
        name[n] = '\0';
        *x = node_get(*x, name);
        if (*x == NULL)
            return error_set(err, E_INPUT, "the file has no dictionary with the key %s",
                             name);
        key += n + (key[n] == '/');
    }
    return 0;
}

static const struct node *usual(const struct node *root)
{
    static const char *const keys[] = { "model", "state_dict" };

    for (int i = 0; i < 2; i++) {
        const struct node *x = node_get(root, keys[i]);

        if (x != NULL && x->kind == NODE_DICT)
            return x;
    }
    return root;
}

/* The names and values of a dictionary. */
static int list_dict(struct named *f, const struct node *dict, struct error *err)
{
    char text[80];

    if (dict->kind != NODE_DICT)
        return error_set(err, E_INPUT,
                         "byte %zu: %s, not a dictionary of tensors; save what "
                         "state_dict() gives",
                         dict->at, node_describe(dict, text, sizeof text));
    f->item = xcalloc(dict->list.n / 2 + 1, sizeof *f->item);
    for (; f->n < dict->list.n / 2; f->n++) {
        const struct node *key = dict->list.item[2 * f->n];

        if (key->kind != NODE_TEXT || !is_name(key->text.s, key->text.n))
            return error_set(err, E_INPUT,
                             "byte %zu: a key that is no name of a tensor (empty, longer "
                             "than %d bytes or not printable ASCII)",
                             key->at, NAMED_MAX);
        f->item[f->n].name =
            arena_strndup(&f->torch.pickle.arena, key->text.s, key->text.n);
        f->item[f->n].x = dict->list.item[2 * f->n + 1];
    }
    return 0;
}

static int open_torch(struct named *f, const struct named_options *o, struct error *err)
{
    const struct node *dict;
    int rc;

    rc = torch_open(&f->torch, &f->file, o->foreign, err);
    if (rc < 0)
        return rc;
    dict = f->torch.root;
    if (o->key[0] == '\0')
        dict = usual(dict);
    else
        rc = follow(&dict, o->key, err);
    return rc < 0 ? rc : list_dict(f, dict, err);
}

static int open_safetensors(struct named *f, struct error *err)
{
    int rc;

    rc = safetensors_list(&f->list, (const char *)f->file.s, f->file.n, err);
    if (rc < 0)
        return rc;
    f->item = xcalloc(f->list.n + 1, sizeof *f->item);
    f->block = xcalloc(f->list.n + 1, sizeof *f->block);
    for (; f->n < f->list.n; f->n++) {
        const struct safetensors_entry *e = &f->list.entry[f->n];
        enum dtype dtype = dtype_find(e->dtype);

        f->item[f->n].name = e->name;
        f->block[f->n] =
            (struct block){ .at = e->begin,
                            .dtype = dtype,
                            .items = (e->end - e->begin) / dtype_size(dtype) };
    }
    return 0;
}

/* safetensors has no magic number: the length of a header, then its first brace. */
static bool may_be_safetensors(const struct source *f)
{
    return f->n > 8 && f->s[8] == '{';
}

static int open_any(struct named *f, const struct named_options *o, struct error *err)
{
    int rc;

    if (torch_container(&f->file) != TORCH_NOT)
        rc = open_torch(f, o, err);
    else if (!may_be_safetensors(&f->file))
        rc = error_set(err, E_INPUT,
                       "neither safetensors nor a file of PyTorch (zip, "
                       "stream or tar)");
    else if (o->key[0] != '\0')
        rc = error_set(err, E_INPUT, "safetensors has no dictionary with the key %s",
                       o->key);
    else
        rc = open_safetensors(f, err);
    return rc < 0 ? rc : check_once(f, err);
}

int named_open(struct named *n, const char *path, const struct named_options *o,
               struct error *err)
{
    int rc;

    *n = (struct named){ 0 };
    rc = source_open(&n->file, path, err);
    if (rc == 0 && (rc = open_any(n, o, err)) < 0)
        error_context(err, "%s", path);
    return rc;
}

int named_open_bytes(struct named *n, const void *bytes, size_t size,
                     const struct named_options *o, struct error *err)
{
    *n = (struct named){ .file = source_of(bytes, size) };
    return open_any(n, o, err);
}

void named_close(struct named *n)
{
    free(n->item);
    free(n->block);
    safetensors_release(&n->list);
    torch_release(&n->torch);
    source_close(&n->file);
    *n = (struct named){ 0 };
}

int named_view(struct named *n, size_t i, struct view *v, struct error *err)
{
    int rc = 0;

    if (n->block == NULL) {
        rc = torch_view(&n->torch, n->item[i].x, v, err);
    } else {
        const struct safetensors_entry *e = &n->list.entry[i];

        *v = (struct view){ .block = &n->block[i], .n_dims = e->n_dims };
        memcpy(v->dim, e->dim, sizeof v->dim);
        view_set_rows(v);
        rc = view_check(v, err);
    }
    return rc < 0 ? error_context(err, "tensor %s", n->item[i].name) : 0;
}
