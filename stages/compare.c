/*
 * compare - how far two results of one step are from each other.
 *
 * in   a        what was made first
 *      b        what was made again
 * out  verdict  TSV, one row: values, differ, beyond, most, mean, where
 *
 * kind=picture  files (PNG, JPEG), folders of them, or image sets: the values of
 * channels, 0 to 255. `most` is the largest difference of one, `mean` that of all
 * kind=tensors  safetensors files, or folders of them: two numbers may differ by abs +
 * rel times the largest number of their tensor; those that differ by more are `beyond`
 *
 * `where` is the first picture or tensor that has the largest difference. What has
 * another shape, other names or other types is no comparison: the program fails and says
 * which.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/decode.h"
#include "image/set.h"
#include "kit/stage.h"
#include "kit/tsv.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "nn/safetensors.h"
#include "weights/dtype.h"

#include "larder/banned.h"

struct options {
    const char *a, *b, *verdict, *kind;
    double abs, rel;
};

struct verdict {
    size_t values, differ, beyond;
    double most, sum;
    struct buf where;
};

/* A part of the whole, which has its own largest difference. */
static void add_part(struct verdict *v, const char *name, double most)
{
    if (most <= v->most)
        return;
    v->most = most;
    buf_reset(&v->where);
    buf_adds(&v->where, name);
}

/* ---- pictures -----------------------------------------------------------------------
 */

static int compare_images(struct verdict *v, const char *name, const struct image *a,
                          const struct image *b, struct error *err)
{
    int most = 0;

    if (a->width != b->width || a->height != b->height || a->channels != b->channels)
        return error_set(
            err, E_INPUT, "picture %s is %d x %d with %d channels, and %d x %d with %d",
            name, a->width, a->height, a->channels, b->width, b->height, b->channels);
    for (size_t i = 0; i < image_bytes(a); i++) {
        int apart = abs(a->pixel[i] - b->pixel[i]);

        v->differ += apart > 0;
        v->sum += apart;
        most = apart > most ? apart : most;
    }
    v->values += image_bytes(a);
    add_part(v, name, most);
    return 0;
}

static int compare_files(struct verdict *v, const char *name, const char *a,
                         const char *b, struct error *err)
{
    struct buf bytes_a = { 0 }, bytes_b = { 0 };
    struct image x = { 0 }, y = { 0 };
    int rc = fs_read(a, &bytes_a, err);

    if (rc == 0)
        rc = fs_read(b, &bytes_b, err);
    if (rc == 0)
        rc = image_decode(&x, buf_str(&bytes_a), bytes_a.len, err);
    if (rc == 0)
        rc = image_decode(&y, buf_str(&bytes_b), bytes_b.len, err);
    if (rc == 0)
        rc = compare_images(v, name, &x, &y, err);
    else
        rc = error_context(err, "picture %s", name);
    image_release(&x);
    image_release(&y);
    buf_release(&bytes_a);
    buf_release(&bytes_b);
    return rc;
}

/* Of a set's picture: its pixels, decoded if it is kept as a file. */
static int load(const struct imageset *set, long i, struct image *from, struct image *rgb,
                struct error *err)
{
    int rc = imageset_get(set, i, from, err);

    if (rc == 0 && from->file)
        rc = image_load_rgb(rgb, from, err);
    return rc;
}

static int compare_set_images(struct verdict *v, const struct imageset *a,
                              const struct imageset *b, long i, struct error *err)
{
    struct image x = { 0 }, y = { 0 }, rgb_x = { 0 }, rgb_y = { 0 };
    int rc = load(a, i, &x, &rgb_x, err);

    if (rc == 0)
        rc = load(b, i, &y, &rgb_y, err);
    if (rc == 0 &&
        (strcmp(x.name, y.name) != 0 || x.label != y.label || x.texture != y.texture))
        rc = error_set(err, E_INPUT, "picture %ld is %s of class %d, and %s of class %d",
                       i, x.name, (int)x.label, y.name, (int)y.label);
    if (rc == 0)
        rc = compare_images(v, x.name, x.file ? &rgb_x : &x, y.file ? &rgb_y : &y, err);
    image_release(&rgb_x);
    image_release(&rgb_y);
    return rc;
}

static int compare_sets(struct verdict *v, const char *path_a, const char *path_b,
                        struct error *err)
{
    struct imageset *a = NULL, *b = NULL;
    int rc = imageset_open_files(&a, path_a, err);

    if (rc == 0)
        rc = imageset_open_files(&b, path_b, err);
    if (rc == 0 && imageset_size(a) != imageset_size(b))
        rc = error_set(err, E_INPUT, "one set has %ld pictures, the other %ld",
                       imageset_size(a), imageset_size(b));
    for (long i = 0; rc == 0 && i < imageset_size(a); i++)
        rc = compare_set_images(v, a, b, i, err);
    imageset_close(a);
    imageset_close(b);
    return rc;
}

static bool is_set(const char *folder)
{
    struct buf data = { 0 }, shard = { 0 };
    bool yes;

    fs_join(&data, folder, "data.mdb");
    fs_join(&shard, folder, "00/data.mdb");
    yes = fs_exists(data.s) || fs_exists(shard.s);
    buf_reset(&shard);
    fs_join(&shard, folder, "000/data.mdb");
    yes = yes || fs_exists(shard.s);
    buf_release(&data);
    buf_release(&shard);
    return yes;
}

/* ---- tensors ------------------------------------------------------------------------
 */

struct weights {
    struct buf bytes;
    struct safetensors_list list;
};

static void release(struct weights *w)
{
    safetensors_release(&w->list);
    buf_release(&w->bytes);
}

static int read_weights(struct weights *w, const char *path, struct error *err)
{
    int rc = fs_read(path, &w->bytes, err);

    if (rc == 0) {
        rc = safetensors_list(&w->list, buf_str(&w->bytes), w->bytes.len, err);
        rc = rc < 0 ? error_context(err, "%s", path) : 0;
    }
    return rc;
}

static const struct safetensors_entry *find(const struct weights *w, const char *name)
{
    for (size_t i = 0; i < w->list.n; i++)
        if (!strcmp(w->list.entry[i].name, name))
            return &w->list.entry[i];
    return NULL;
}

static bool same_shape(const struct safetensors_entry *a,
                       const struct safetensors_entry *b)
{
    bool same = a->n_dims == b->n_dims && !strcmp(a->dtype, b->dtype) &&
                a->end - a->begin == b->end - b->begin;

    for (int i = 0; same && i < a->n_dims; i++)
        same = a->dim[i] == b->dim[i];
    return same;
}

static size_t elements(const struct safetensors_entry *e)
{
    return (e->end - e->begin) / dtype_size(dtype_find(e->dtype));
}

/* New, as float32. */
static int values_of(const struct weights *w, const struct safetensors_entry *e,
                     float **to, struct error *err)
{
    size_t n = elements(e);

    *to = xmalloc((n + 1) * sizeof **to);
    if (dtype_convert(dtype_find(e->dtype), (const uint8_t *)w->bytes.s + e->begin, n,
                      *to) == n)
        return 0;
    return error_set(err, E_INPUT,
                     "tensor %s has a number that float32 cannot hold: it cannot be "
                     "compared",
                     e->name);
}

static void compare_values(struct verdict *v, const struct options *o, const char *name,
                           const float *x, const float *y, size_t n)
{
    double largest = 0, most = 0, allowed;

    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fmax(fabs((double)x[i]), fabs((double)y[i])));
    allowed = o->abs + o->rel * largest;
    for (size_t i = 0; i < n; i++) {
        double apart = fabs((double)x[i] - (double)y[i]);
        bool same = x[i] == y[i] || (isnan(x[i]) && isnan(y[i]));

        v->differ += !same;
        v->beyond += !same && !(isfinite(apart) && apart <= allowed);
        if (same || !isfinite(apart))
            continue;
        v->sum += apart;
        most = fmax(most, apart);
    }
    v->values += n;
    add_part(v, name, most);
}

static int compare_tensor(struct verdict *v, const struct options *o,
                          const struct weights *a, const struct safetensors_entry *x,
                          const struct weights *b, struct error *err)
{
    const struct safetensors_entry *y = find(b, x->name);
    float *p = NULL, *q = NULL;
    int rc;

    if (!y)
        return error_set(err, E_INPUT, "tensor %s is in one of the two files only",
                         x->name);
    if (!same_shape(x, y))
        return error_set(err, E_INPUT, "tensor %s has another shape or type", x->name);
    rc = values_of(a, x, &p, err);
    if (rc == 0)
        rc = values_of(b, y, &q, err);
    if (rc == 0)
        compare_values(v, o, x->name, p, q, elements(x));
    free(p);
    free(q);
    return rc;
}

static int compare_tensors(struct verdict *v, const struct options *o, const char *path_a,
                           const char *path_b, struct error *err)
{
    struct weights a = { 0 }, b = { 0 };
    int rc = read_weights(&a, path_a, err);

    if (rc == 0)
        rc = read_weights(&b, path_b, err);
    for (size_t i = 0; rc == 0 && i < b.list.n; i++)
        if (!find(&a, b.list.entry[i].name))
            rc = error_set(err, E_INPUT, "tensor %s is in one of the two files only",
                           b.list.entry[i].name);
    for (size_t i = 0; rc == 0 && i < a.list.n; i++)
        rc = compare_tensor(v, o, &a, &a.list.entry[i], &b, err);
    release(&a);
    release(&b);
    return rc;
}

/* ---- files and folders --------------------------------------------------------------
 */

/* Two files, or two folders of files, of the kind. */
static int compare_any(struct verdict *v, const struct options *o, const char *name,
                       const char *a, const char *b, struct error *err);

static int compare_folders(struct verdict *v, const struct options *o, const char *a,
                           const char *b, struct error *err)
{
    char **in_a = NULL, **in_b = NULL;
    size_t n_a = 0, n_b = 0;
    int rc = fs_list(a, &in_a, &n_a, err);

    if (rc == 0)
        rc = fs_list(b, &in_b, &n_b, err);
    for (size_t i = 0; rc == 0 && (i < n_a || i < n_b); i++) {
        struct buf x = { 0 }, y = { 0 };

        if (i >= n_a || i >= n_b || strcmp(in_a[i], in_b[i]) != 0) {
            rc = error_set(err, E_INPUT, "%s is in one of the two folders only",
                           i < n_a ? in_a[i] : in_b[i]);
            break;
        }
        fs_join(&x, a, in_a[i]);
        fs_join(&y, b, in_b[i]);
        rc = compare_any(v, o, in_a[i], x.s, y.s, err);
        buf_release(&x);
        buf_release(&y);
    }
    free(in_a);
    free(in_b);
    return rc;
}

static int compare_any(struct verdict *v, const struct options *o, const char *name,
                       const char *a, const char *b, struct error *err)
{
    bool picture = !strcmp(o->kind, "picture");

    if (fs_is_dir(a) && fs_is_dir(b))
        return picture && is_set(a) ? compare_sets(v, a, b, err)
                                    : compare_folders(v, o, a, b, err);
    return picture ? compare_files(v, name, a, b, err) : compare_tensors(v, o, a, b, err);
}

/* ---- the program --------------------------------------------------------------------
 */

static int compare(const void *options, struct error *err)
{
    const struct options *o = options;
    struct verdict v = { 0 };
    struct buf text = { 0 };
    int rc = compare_any(&v, o, "-", o->a, o->b, err);

    if (rc == 0) {
        buf_printf(&text,
                   "values\tdiffer\tbeyond\tmost\tmean\twhere\n"
                   "%zu\t%zu\t%zu\t%.9g\t%.9g\t",
                   v.values, v.differ, v.beyond, v.most,
                   v.values ? v.sum / (double)v.values : 0.0);
        buf_add_escaped(&text, v.where.len ? buf_str(&v.where) : "-");
        buf_addc(&text, '\n');
        rc = tsv_write(o->verdict, &text, err);
    }
    buf_release(&text);
    buf_release(&v.where);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .kind = "picture" };
    const struct stage_arg args[] = {
        STAGE_ABOUT("how far two results of one step are from each other"),
        STAGE_IN("a", &o.a, "what was made first"),
        STAGE_IN("b", &o.b, "what was made again"),
        STAGE_OUT("verdict", &o.verdict, "values, differ, beyond, most, mean, where"),
        STAGE_CHOICE("kind", &o.kind, "picture|tensors", "what they are"),
        STAGE_FLOAT("abs", &o.abs, 0, 1e300, "of tensors: what two may differ by,"),
        STAGE_FLOAT("rel", &o.rel, 0, 1e300, "and times the largest of the tensor"),
        STAGE_END,
    };
    return stage_main(argc, argv, args, compare, &o);
}
