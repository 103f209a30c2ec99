#include "learn/feed.h"

#include "larder/mem.h"

#include "larder/banned.h"

void image_to_floats(const struct image *im, float *to)
{
    size_t n = (size_t)im->height * im->width * im->channels;

    for (size_t i = 0; i < n; i++)
        to[i] = (float)im->pixel[i] / 255.0f;
}

int feed_open(struct feed *f, const char *path, int batch, long take, struct error *err)
{
    size_t size, n = (size_t)batch;
    int rc;

    *f = (struct feed){ .batch = batch };
    rc = imageset_open(&f->set, path, err);
    if (rc < 0)
        return rc;
    rc = imageset_shape(f->set, &f->width, &f->height, &f->channels, err);
    if (rc < 0)
        return rc;
    f->size = imageset_size(f->set);
    if (take > 0 && take < f->size)
        f->size = take;
    size = (size_t)f->width * f->height * f->channels;
    f->image = xcalloc(n, sizeof *f->image);
    f->pixels = xcalloc(n * size, sizeof *f->pixels);
    f->label = xcalloc(n, sizeof *f->label);
    return 0;
}

void feed_close(struct feed *f)
{
    imageset_close(f->set);
    free(f->image);
    free(f->pixels);
    free(f->label);
    *f = (struct feed){ 0 };
}

void feed_rewind(struct feed *f)
{
    f->at = 0;
}

int feed_next(struct feed *f, struct error *err)
{
    size_t size = (size_t)f->width * f->height * f->channels;

    for (f->n = 0; f->n < f->batch && f->at < f->size; f->n++, f->at++) {
        struct image *im = &f->image[f->n];
        int rc = imageset_get(f->set, f->at, im, err);

        if (rc < 0)
            return rc;
        image_to_floats(im, f->pixels + (size_t)f->n * size);
        f->label[f->n] = im->label;
    }
    return f->n > 0 ? FEED_BATCH : FEED_END;
}

int labels_check(const char *path, const struct imageset *set, int classes,
                 struct error *err)
{
    for (long i = 0; i < imageset_size(set); i++) {
        struct image im;
        int rc = imageset_get(set, i, &im, err);

        if (rc < 0)
            return rc;
        if (im.label < 0 || im.label >= classes)
            return error_set(err, E_INPUT,
                             "%s: picture %s has label %d; the classes are 0 to %d", path,
                             im.name, (int)im.label, classes - 1);
    }
    return 0;
}

int shape_check(const char *path, const struct imageset *set, const struct graph *g,
                struct error *err)
{
    int width, height, channels, rc;

    rc = imageset_shape(set, &width, &height, &channels, err);
    if (rc < 0)
        return rc;
    if (width == g->W && height == g->H && channels == g->C)
        return 0;
    return error_set(err, E_INPUT,
                     "%s: pictures of %d x %d with %d channels; the network %s reads "
                     "%d x %d with %d",
                     path, width, height, channels, g->name, g->W, g->H, g->C);
}
