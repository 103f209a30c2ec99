#include "weights/rename.h"

#include <string.h>

#include "kit/tsv.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

/* Name -> tensor, for those that have not been renamed yet. */
static void map_tensors(struct map *m, struct tensors *t)
{
    for (size_t i = 0; i < t->n; i++)
        map_set(m, t->tensor[i].name, &t->tensor[i]);
}

static int rename_row(struct map *left, const struct tsv *names, size_t row, int to,
                      int from, struct error *err)
{
    const char *name = tsv_get(names, row, to), *other = tsv_get(names, row, from);
    struct tensor *x = map_get(left, name);

    if (x == NULL)
        return error_set(err, E_INPUT,
                         "%s:%zu: the model has no tensor %s, or it has two "
                         "rows",
                         names->path, row + 2, name);
    if (other[0] == '\0' || strcmp(other, "__metadata__") == 0)
        return error_set(err, E_INPUT, "%s:%zu: a tensor cannot be called \"%s\"",
                         names->path, row + 2, other);
    map_set(left, name, NULL);
    free(x->name);
    x->name = xstrdup(other);
    return 0;
}

int rename_by_table(struct tensors *t, const char *path, struct error *err)
{
    struct map left = { 0 };
    struct tsv names = { 0 };
    int rc, to, from;

    map_tensors(&left, t);
    rc = tsv_read(&names, path, err);
    if (rc < 0)
        goto out;
    to = tsv_column(&names, "name", err);
    from = to < 0 ? to : tsv_column(&names, "from", err);
    if (from < 0) {
        rc = from;
        goto out;
    }
    for (size_t row = 0; row < names.n_rows && rc == 0; row++)
        rc = rename_row(&left, &names, row, to, from, err);
    for (size_t i = 0; i < left.n && rc == 0; i++)
        if (left.entry[i].value != NULL)
            rc = error_set(err, E_INPUT, "%s: tensor %s of the model has no row", path,
                           left.entry[i].key);
out:
    tsv_release(&names);
    map_release(&left);
    return rc;
}

void rename_with_prefix(struct tensors *t, const char *prefix)
{
    for (size_t i = 0; i < t->n; i++) {
        struct buf b = { 0 };

        buf_printf(&b, "%s%s", prefix, t->tensor[i].name);
        free(t->tensor[i].name);
        t->tensor[i].name = buf_take(&b);
    }
}
