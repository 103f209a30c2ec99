#include "learn/batches.h"

#include "kit/draws.h"
#include "larder/buf.h"
#include "larder/mem.h"
#include "learn/feed.h"

#include "larder/banned.h"

int batches_open(struct batches *b, const char *path, int batch, bool rest, int classes,
                 const struct augment *augment, uint64_t seed, struct error *err)
{
    struct image im;
    int rc;

    *b = (struct batches){ .batch = batch, .augment = *augment, .seed = seed };
    rc = imageset_open(&b->set, path, err);
    if (rc < 0)
        return rc;
    rc = imageset_shape(b->set, &b->width, &b->height, &b->channels, err);
    if (rc < 0)
        return rc;
    b->pictures = imageset_size(b->set);
    b->n = (b->pictures + (rest ? batch - 1 : 0)) / batch;
    if (b->pictures < batch)
        rc = error_set(err, E_INPUT, "%s: a batch of %d is more than its %ld pictures",
                       path, batch, b->pictures);
    if (rc == 0)
        rc = labels_check(path, b->set, classes, err);
    if (rc < 0)
        return rc;
    sampler_init(&b->sampler, b->width, b->height, b->channels);
    b->order = xcalloc((size_t)b->pictures, sizeof *b->order);
    b->draws = xcalloc((size_t)b->pictures, sizeof *b->draws);
    b->picked = xcalloc((size_t)batch, sizeof *b->picked);
    for (long i = 0; i < b->pictures && rc == 0; i++) {
        rc = imageset_get(b->set, i, &im, err);
        if (rc == 0)
            augment_draws(&b->draws[i], im.name, seed);
    }
    return rc;
}

void batches_close(struct batches *b)
{
    imageset_close(b->set);
    sampler_release(&b->sampler);
    free(b->order);
    free(b->draws);
    free(b->picked);
    *b = (struct batches){ 0 };
}

void batches_begin(struct batches *b, uint64_t epoch)
{
    struct buf item = { 0 };
    struct draws d;

    b->epoch = epoch;
    buf_printf(&item, "order/%llu", (unsigned long long)epoch);
    draws_init(&d, "train", "", buf_str(&item), b->seed);
    draws_permutation(&d, b->order, (uint32_t)b->pictures);
    buf_release(&item);
}

int batches_size(const struct batches *b, long i)
{
    long left = b->pictures - i * b->batch;

    return left < b->batch ? (int)left : b->batch;
}

int batches_load(struct batches *b, long i, float *pixels, int32_t *label,
                 struct error *err)
{
    size_t size = (size_t)b->width * b->height * b->channels;
    const uint32_t *pick = b->order + i * b->batch;

    for (int k = 0; k < batches_size(b, i); k++) {
        struct image im;
        struct crop c;
        int rc = imageset_get(b->set, (long)pick[k], &im, err);

        if (rc < 0)
            return rc;
        b->picked[k] = b->draws[pick[k]];
        augment_crop(&c, &b->augment, &b->picked[k], b->epoch, b->width, b->height);
        sampler_run(&b->sampler, &c, &im, pixels + (size_t)k * size);
        label[k] = im.label;
    }
    return 0;
}
