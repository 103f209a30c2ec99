#include "weights/torchzip.h"

#include <string.h>

#include "weights/crc.h"

#include "larder/banned.h"

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

/* The one entry STEM/data.pkl; its folder is that of the others. */
static int find_object(struct torch *t, const struct zip_entry **e, struct error *err)
{
    static const char object[] = "/data.pkl";

    *e = NULL;
    for (size_t i = 0; i < t->zip.n; i++) {
        if (!ends_with(t->zip.entry[i].name, object))
            continue;
        if (*e != NULL)
            return error_set(err, E_INPUT, "two entries are a data.pkl");
        *e = &t->zip.entry[i];
    }
    if (*e == NULL)
        return error_set(err, E_INPUT, "a zip file without data.pkl: not one of PyTorch");
    t->folder = arena_strndup(&t->pickle.arena, (*e)->name,
                              strlen((*e)->name) - strlen("data.pkl"));
    return 0;
}

static int check_crc(const struct zip_entry *e, const struct source *f, struct error *err)
{
    if (crc_add(0, f->s + e->at, e->size) != e->crc)
        return error_set(err, E_CORRUPT,
                         "entry %.100s is damaged: its checksum is another", e->name);
    return 0;
}

static int check_byteorder(struct torch *t, const struct source *f, struct error *err)
{
    const char *name = arena_printf(&t->pickle.arena, "%sbyteorder", t->folder);
    const struct zip_entry *e = zip_find(&t->zip, name);

    if (e == NULL || (e->size == 6 && memcmp(f->s + e->at, "little", 6) == 0))
        return 0;
    return error_set(err, E_INPUT, "its numbers are not little-endian");
}

int torchzip_open(struct torch *t, const struct source *f, struct error *err)
{
    const struct zip_entry *e = NULL;
    size_t at;
    int rc;

    rc = zip_open(&t->zip, f->s, f->n, err);
    if (rc == 0)
        rc = find_object(t, &e, err);
    if (rc == 0)
        rc = check_byteorder(t, f, err);
    if (rc == 0)
        rc = check_crc(e, f, err);
    if (rc < 0)
        return rc;
    at = e->at;
    rc = pickle_read(&t->pickle, f->s, e->at + e->size, &at, &t->root, err);
    if (rc == 0 && at != e->at + e->size)
        rc = error_set(err, E_INPUT, "bytes behind the pickle of data.pkl");
    return rc;
}

int torchzip_storage(struct torch *t, const struct storage_id *s, struct block **b,
                     struct error *err)
{
    const struct zip_entry *e = NULL;
    struct block block = { .items = s->items, .dtype = s->dtype, .has_crc = true };
    const char *name;

    if (t->folder != NULL) {
        name = arena_printf(&t->pickle.arena, "%sdata/%s", t->folder, s->key);
        e = zip_find(&t->zip, name);
    }
    if (e == NULL)
        return error_set(err, E_INPUT, "the file does not hold storage %s", s->key);
    if (e->size != s->items * dtype_size(s->dtype))
        return error_set(
            err, E_INPUT,
            "storage %s has %zu bytes; %zu elements of %s need another number", s->key,
            e->size, s->items, dtype_name(s->dtype));
    block.at = e->at;
    block.crc = e->crc;
    return storage_add(t, s->key, &block, b, err);
}
