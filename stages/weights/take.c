#include "weights/take.h"

#include <string.h>

#include "kit/progress.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum {
    NAMES_TOLD = 6, /* names in a message */
    EXPANSION = 16, /* most bytes that a byte of the file may become: shared storages */
    SPARE = 1 << 20,
};

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static bool ends(const char *s, const char *with)
{
    size_t n = strlen(s), m = strlen(with);

    return n >= m && strcmp(s + n - m, with) == 0;
}

/* Strips the prefix from names that have it and leaves the others out. */
static size_t strip(struct take *t, const char *prefix)
{
    size_t n_left = 0, skip = strlen(prefix);

    for (size_t i = 0; i < t->n; i++) {
        char *name = t->name[i];

        if (name == NULL)
            continue;
        t->name[i] = begins(name, prefix) ? xstrdup(name + skip) : NULL;
        n_left += t->name[i] != NULL;
        free(name);
    }
    return n_left;
}

static bool all_begin(const struct take *t, const char *const *with, int n_with)
{
    for (size_t i = 0; i < t->n; i++) {
        bool one = false;

        for (int k = 0; k < n_with; k++)
            one = one || begins(t->name[i], with[k]);
        if (!one)
            return false;
    }
    return t->n > 0;
}

static bool any_begins(const struct take *t, const char *with)
{
    for (size_t i = 0; i < t->n; i++)
        if (begins(t->name[i], with))
            return true;
    return false;
}

static int take_prefix(struct take *t, const struct named *f, const char *prefix,
                       struct error *err)
{
    static const char *const parallel[] = { "module." };
    static const char *const attacker[] = { "model.", "normalizer.", "attacker." };

    t->name = xcalloc(f->n + 1, sizeof *t->name);
    for (; t->n < f->n; t->n++)
        t->name[t->n] = xstrdup(f->item[t->n].name);
    if (strcmp(prefix, "auto") != 0) {
        if (prefix[0] != '\0' && strip(t, prefix) == 0)
            return error_set(err, E_INPUT, "no name begins with %s", prefix);
        return 0;
    }
    if (all_begin(t, parallel, 1))
        strip(t, parallel[0]);
    if (all_begin(t, attacker, 3) && any_begins(t, attacker[0]))
        strip(t, attacker[0]);
    return 0;
}

static size_t find_item(const struct named *f, const char *name)
{
    size_t i = 0;

    while (i < f->n && strcmp(f->item[i].name, name) != 0)
        i++;
    return i;
}

static int take_table(struct take *t, const struct named *f, const struct tsv *names,
                      struct error *err)
{
    int to = tsv_column(names, "name", err), from = tsv_column(names, "from", err);

    if (to < 0 || from < 0)
        return E_INPUT;
    t->name = xcalloc(f->n + 1, sizeof *t->name);
    t->n = f->n;
    for (size_t row = 0; row < names->n_rows; row++) {
        const char *name = tsv_get(names, row, from);
        size_t i = find_item(f, name);

        if (i == f->n)
            return error_set(err, E_INPUT, "%s:%zu: the file has no tensor %s",
                             names->path, row + 2, name);
        if (t->name[i] != NULL)
            return error_set(err, E_INPUT, "%s:%zu: tensor %s is taken twice",
                             names->path, row + 2, name);
        t->name[i] = xstrdup(tsv_get(names, row, to));
    }
    return 0;
}

/* The name with the first `from` in it replaced by `to`, new, or NULL when it has none.
 */
static char *replaced(const char *name, const char *from, const char *to)
{
    const char *at = strstr(name, from);
    struct buf b = { 0 };

    if (at == NULL)
        return NULL;
    buf_add(&b, name, (size_t)(at - name));
    buf_adds(&b, to);
    buf_adds(&b, at + strlen(from));
    return buf_take(&b);
}

/* Puts the network's name for a name of other programs in place, where there is one. */
static void translate(char **name, const struct tensors *want)
{
    static const char *const words[][2] = { { "last_layer.", "classifier.6." },
                                            { ".branch4_conv.", ".branch4.1." } };

    for (int i = 0; i < 2; i++) {
        char *other = replaced(*name, words[i][0], words[i][1]);

        if (other != NULL && tensors_find(want, other) != NULL) {
            free(*name);
            *name = other;
            return;
        }
        free(other);
    }
}

/* What files have beyond the network: counts, heads that only train, and the end of
 * VGG-19 behind the encoder of style transfer. */
static bool is_spare(const char *name, const char *network)
{
    static const char *const behind[] = {
        "32.", "35.", "38.", "42.", "45.", "48.", "51."
    };

    for (int i = 0; strcmp(network, "adain-encoder") == 0 && i < 7; i++)
        if (begins(name, behind[i]))
            return true;
    return ends(name, ".num_batches_tracked") || begins(name, "aux1.") ||
           begins(name, "aux2.");
}

static void fit_names(struct take *t, const struct tensors *want, const char *network)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->name[i] == NULL || tensors_find(want, t->name[i]) != NULL)
            continue;
        translate(&t->name[i], want);
        if (tensors_find(want, t->name[i]) == NULL && is_spare(t->name[i], network)) {
            free(t->name[i]);
            t->name[i] = NULL;
        }
    }
}

/* Names that one message lists: the first few, and how many there are. */
struct told {
    struct buf text;
    size_t n;
};

static void tell(struct told *t, const char *name)
{
    if (t->n++ < NAMES_TOLD)
        buf_printf(&t->text, "%s%s", t->n > 1 ? ", " : "", name);
}

static void tell_all(struct buf *to, const struct told *t, const char *what)
{
    if (t->n == 0)
        return;
    buf_printf(to, "%s%zu %s %s: %s", to->len > 0 ? "; " : "", t->n,
               t->n == 1 ? "tensor" : "tensors", what, t->text.s);
    if (t->n > NAMES_TOLD)
        buf_printf(to, " and %zu more", t->n - NAMES_TOLD);
}

static int check_names(const struct map *taken, const struct take *t,
                       const struct take_options *o, struct error *err)
{
    struct told missing = { 0 }, spare = { 0 };
    struct buf text = { 0 };
    int rc = 0;

    for (size_t i = 0; i < o->want->n; i++)
        if (map_find(taken, o->want->tensor[i].name) == NULL)
            tell(&missing, o->want->tensor[i].name);
    for (size_t i = 0; i < t->n; i++)
        if (t->name[i] != NULL && tensors_find(o->want, t->name[i]) == NULL)
            tell(&spare, t->name[i]);
    tell_all(&text, &missing, "missing");
    tell_all(&text, &spare, "unknown");
    if (text.len > 0)
        rc = error_set(err, E_INPUT, "not the weights of %s: %s", o->network, text.s);
    buf_release(&text);
    buf_release(&missing.text);
    buf_release(&spare.text);
    return rc;
}

/* Every name is there once, and is one that a file can have. */
static int map_names(struct map *taken, const struct take *t, struct error *err)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->name[i] == NULL)
            continue;
        if (t->name[i][0] == '\0' || strcmp(t->name[i], "__metadata__") == 0)
            return error_set(err, E_INPUT, "a tensor cannot be called \"%s\"",
                             t->name[i]);
        if (map_set(taken, t->name[i], t->name[i]) != NULL)
            return error_set(err, E_INPUT, "two tensors would be called %s", t->name[i]);
    }
    if (taken->n == 0)
        return error_set(err, E_INPUT, "the file has no tensors to take");
    return 0;
}

/* What is taken is an array, of the network's shape, and no more than the file can mean.
 */
static int check_views(const struct take *t, struct named *f, const struct tensors *want,
                       struct error *err)
{
    size_t left = f->file.n <= SIZE_MAX / EXPANSION - SPARE
                      ? f->file.n * EXPANSION + SPARE
                      : SIZE_MAX;
    char have[120], need[120];

    for (size_t i = 0; i < t->n; i++) {
        const struct tensor *x;
        struct view v;
        int rc;

        if (t->name[i] == NULL)
            continue;
        rc = named_view(f, i, &v, err);
        if (rc < 0)
            return rc;
        view_shape(v.n_dims, v.dim, have, sizeof have);
        if (v.n_dims > TENSOR_DIMS)
            return error_set(err, E_INPUT,
                             "tensor %s is %s; a model has tensors of at "
                             "most %d dimensions",
                             t->name[i], have, TENSOR_DIMS);
        x = want != NULL ? tensors_find(want, t->name[i]) : NULL;
        if (x != NULL &&
            strcmp(view_shape(x->n_dims, x->dim, need, sizeof need), have) != 0)
            return error_set(err, E_INPUT, "tensor %s is %s, the network's is %s",
                             t->name[i], have, need);
        if (v.n > left / sizeof(float))
            return error_set(err, E_INPUT,
                             "its tensors are more than %d times as large "
                             "as the file: they share storages",
                             EXPANSION);
        left -= v.n * sizeof(float);
    }
    return 0;
}

int take_names(struct take *t, struct named *f, const struct take_options *o,
               struct error *err)
{
    struct map taken = { 0 };
    int rc;

    *t = (struct take){ 0 };
    if (o->names != NULL)
        rc = take_table(t, f, o->names, err);
    else
        rc = take_prefix(t, f, o->prefix, err);
    if (rc < 0)
        goto out;
    if (o->want != NULL && o->names == NULL)
        fit_names(t, o->want, o->network);
    rc = map_names(&taken, t, err);
    if (rc == 0 && o->want != NULL)
        rc = check_names(&taken, t, o, err);
    if (rc == 0)
        rc = check_views(t, f, o->want, err);
out:
    map_release(&taken);
    return rc;
}

int take_read(const struct take *t, struct named *f, struct tensors *to,
              struct error *err)
{
    for (size_t i = 0; i < t->n; i++) {
        struct tensor *x;
        struct view v;
        int rc;

        if (t->name[i] == NULL)
            continue;
        rc = named_view(f, i, &v, err);
        if (rc < 0)
            return rc;
        x = tensors_add(to, t->name[i], v.n_dims, v.dim);
        rc = view_read(&v, &f->file, x->value, err);
        if (rc < 0)
            return error_context(err, "tensor %s", f->item[i].name);
        progress_step((long)i + 1, (long)t->n, "tensor");
    }
    return 0;
}

void take_release(struct take *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->name[i]);
    free(t->name);
    *t = (struct take){ 0 };
}

void take_format(const struct take *t, struct named *f, struct buf *text)
{
    char shape[120];
    struct view v;

    buf_adds(text, "name\tfrom\tdtype\tshape\n");
    for (size_t i = 0; i < t->n; i++) {
        buf_printf(text, "%s\t%s\t", t->name[i] ? t->name[i] : "", f->item[i].name);
        if (named_view(f, i, &v, NULL) < 0)
            buf_adds(text, "\t\n");
        else
            buf_printf(text, "%s\t%s\n", dtype_name(v.block->dtype),
                       view_shape(v.n_dims, v.dim, shape, sizeof shape));
    }
}
