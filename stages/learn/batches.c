#include "learn/batches.h"

#include <pthread.h>

#include "image/decode.h"
#include "image/robust.h"
#include "kit/draws.h"
#include "larder/buf.h"
#include "larder/mem.h"
#include "learn/feed.h"
#include "nn/workers.h"

#include "larder/banned.h"

static const char *path_of(const struct batches *b)
{
    return b->o.set[b->at];
}

static int open_set(struct batches *b, struct error *err)
{
    return b->o.robust_side > 0 ? imageset_open_files(&b->set, path_of(b), err)
                                : imageset_open(&b->set, path_of(b), err);
}

static int set_shape(struct batches *b, struct error *err)
{
    int rc;

    if (b->o.robust_side > 0) {
        b->width = b->height = b->o.robust_side;
        b->channels = 3;
        return 0;
    }
    rc = imageset_shape(b->set, &b->width, &b->height, &b->channels, err);
    for (int t = 0; t < b->o.threads && rc == 0; t++)
        sampler_init(&b->sampler[t], b->width, b->height, b->channels);
    return rc;
}

int batches_open(struct batches *b, const struct batches_options *o, struct error *err)
{
    struct image im;
    int rc;

    *b = (struct batches){ .o = *o };
    b->sampler = xcalloc((size_t)o->threads, sizeof *b->sampler);
    rc = workers_open(&b->workers, o->threads, err);
    if (rc == 0)
        rc = open_set(b, err);
    if (rc == 0)
        rc = set_shape(b, err);
    if (rc < 0)
        return rc;
    b->pictures = imageset_size(b->set);
    b->n = (b->pictures + (o->rest ? o->batch - 1 : 0)) / o->batch;
    if (b->pictures < o->batch)
        rc = error_set(err, E_INPUT, "%s: a batch of %d is more than its %ld pictures",
                       path_of(b), o->batch, b->pictures);
    if (rc == 0)
        rc = labels_check(path_of(b), b->set, o->classes, err);
    if (rc < 0)
        return rc;
    b->order = xcalloc((size_t)b->pictures, sizeof *b->order);
    b->draws = xcalloc((size_t)b->pictures, sizeof *b->draws);
    b->picked = xcalloc((size_t)o->batch, sizeof *b->picked);
    for (long i = 0; i < b->pictures && rc == 0; i++) {
        rc = imageset_get(b->set, i, &im, err);
        if (rc == 0)
            augment_draws(&b->draws[i], im.name, o->seed);
    }
    return rc;
}

/* Whether the pictures of another set are versions of those at hand. */
static int check_versions(const struct batches *b, const struct imageset *other,
                          const char *path, struct error *err)
{
    struct image x, y;
    int rc = 0;

    if (imageset_size(b->set) != imageset_size(other))
        return error_set(err, E_INPUT, "%s has %ld pictures, %s has %ld", path_of(b),
                         imageset_size(b->set), path, imageset_size(other));
    for (long i = 0; i < b->pictures && rc == 0; i++) {
        rc = imageset_get(b->set, i, &x, err);
        if (rc == 0)
            rc = imageset_get(other, i, &y, err);
        if (rc == 0 &&
            (strcmp(x.name, y.name) != 0 || x.label != y.label || x.width != y.width ||
             x.height != y.height || x.channels != y.channels))
            rc = error_set(err, E_INPUT,
                           "picture %s of %s and %s of %s differ in name, class or size",
                           x.name, path_of(b), y.name, path);
    }
    return rc;
}

static int turn_to(struct batches *b, int at, struct error *err)
{
    struct imageset *before = b->set;
    int was = b->at, rc;

    if (at == was)
        return 0;
    b->at = at;
    b->set = NULL;
    rc = open_set(b, err);
    if (rc == 0)
        rc = check_versions(b, before, b->o.set[was], err);
    imageset_close(before);
    return rc;
}

void batches_close(struct batches *b)
{
    imageset_close(b->set);
    workers_close(b->workers);
    for (int t = 0; t < b->o.threads && b->sampler; t++)
        sampler_release(&b->sampler[t]);
    free(b->sampler);
    free(b->order);
    free(b->draws);
    free(b->picked);
    *b = (struct batches){ 0 };
}

int batches_begin(struct batches *b, uint64_t epoch, struct error *err)
{
    int rc = turn_to(b, (int)(epoch % (uint64_t)b->o.n_sets), err);
    struct buf item = { 0 };
    struct draws d;

    if (rc < 0)
        return rc;
    b->epoch = epoch;
    buf_printf(&item, "order/%llu", (unsigned long long)epoch);
    draws_init(&d, "train", "", buf_str(&item), b->o.seed);
    draws_permutation(&d, b->order, (uint32_t)b->pictures);
    buf_release(&item);
    return 0;
}

int batches_size(const struct batches *b, long i)
{
    long left = b->pictures - i * b->o.batch;

    return left < b->o.batch ? (int)left : b->o.batch;
}

static int load_robust(const struct batches *b, const struct image *im,
                       const struct draws *d, float *to, struct error *err)
{
    struct image rgb;
    struct robust r;
    int rc = image_load_rgb(&rgb, im, err);

    if (rc < 0)
        return rc;
    robust_draw(&r, d, b->epoch, rgb.width, rgb.height);
    robust_apply(&r, &rgb, b->o.robust_side, to);
    image_release(&rgb);
    return 0;
}

static void load_part(const struct batches *b, struct sampler *sampler,
                      const struct image *im, const struct draws *d, float *to)
{
    struct crop c;

    augment_crop(&c, &b->o.augment, d, b->epoch, b->width, b->height);
    sampler_run(sampler, &c, im, to);
}

/* A batch under way. */
struct loading {
    struct batches *b;
    const uint32_t *pick;
    float *pixels;
    int first; /* of the pictures that are made */
    int rc;    /* of the first picture that could not be: its place, */
    int failed;
    struct error err; /* and why */
    pthread_mutex_t lock;
};

/* The first of several failures is told, whatever the threads do. */
static void note_failure(struct loading *l, int k, int rc, const struct error *err)
{
    pthread_mutex_lock(&l->lock);
    if (l->rc == 0 || k < l->failed) {
        l->rc = rc;
        l->failed = k;
        l->err = *err;
    }
    pthread_mutex_unlock(&l->lock);
}

static void load_one(void *context, int item)
{
    struct loading *l = context;
    struct batches *b = l->b;
    int k = l->first + item;
    float *to = l->pixels + (size_t)k * b->width * b->height * b->channels;
    struct error err = { 0 };
    struct image im;
    int rc = imageset_get(b->set, (long)l->pick[k], &im, &err);

    if (rc == 0 && b->o.robust_side > 0)
        rc = load_robust(b, &im, &b->picked[k], to, &err);
    else if (rc == 0)
        load_part(b, &b->sampler[item % b->o.threads], &im, &b->picked[k], to);
    if (rc < 0)
        note_failure(l, k, rc, &err);
}

/* The pictures that are ours to make: all n, or one of equal parts of a whole batch. */
static int load_pictures(struct batches *b, struct loading *l, int n, struct error *err)
{
    bool part = b->o.ranks > 1 && n == b->o.batch;
    int each = part ? n / b->o.ranks : n;

    l->first = part ? each * b->o.rank : 0;
    pthread_mutex_init(&l->lock, NULL);
    workers_run(b->workers, each, load_one, l);
    pthread_mutex_destroy(&l->lock);
    if (l->rc < 0 && err)
        *err = l->err;
    return l->rc;
}

int batches_load(struct batches *b, long i, float *pixels, int32_t *label,
                 struct error *err)
{
    struct loading l = { .b = b, .pick = b->order + i * b->o.batch, .pixels = pixels };
    int n = batches_size(b, i);

    for (int k = 0; k < n; k++) {
        struct image im;
        int rc = imageset_get(b->set, (long)l.pick[k], &im, err);

        if (rc < 0)
            return rc;
        b->picked[k] = b->draws[l.pick[k]];
        label[k] = im.label;
    }
    return load_pictures(b, &l, n, err);
}
