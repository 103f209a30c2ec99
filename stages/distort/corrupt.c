#include "distort/corrupt.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "distort/blur.h"
#include "distort/digital.h"
#include "distort/elastic.h"
#include "distort/noise.h"
#include "distort/weather.h"

#include "larder/banned.h"

static const struct {
    const char *type;
    int (*run)(const struct job *job, struct error *err);
} known[] = {
    { "gaussian_noise", gaussian_noise },
    { "shot_noise", shot_noise },
    { "impulse_noise", impulse_noise },
    { "defocus_blur", defocus_blur },
    { "glass_blur", glass_blur },
    { "motion_blur", motion_blur },
    { "zoom_blur", zoom_blur },
    { "snow", snow },
    { "frost", frost },
    { "fog", fog },
    { "brightness", brightness },
    { "contrast", contrast },
    { "elastic_transform", elastic_transform },
    { "pixelate", pixelate },
    { "jpeg_compression", jpeg_compression },
};

static const int side_of[SCALES] = { 224, 64, 32 };

void corrupt_draws(struct draws *d, const struct corruption *c, const char *key,
                   uint64_t seed)
{
    char params[64];

    snprintf(params, sizeof params, "severity=%d,type=%s", c->severity, c->type);
    draws_init(d, "imagenet_c", params, key, seed);
}

static int find_scale(enum scale *scale, const struct image *im, struct error *err)
{
    for (int i = 0; i < SCALES; i++)
        if (im->width == side_of[i] && im->height == side_of[i] && im->channels == 3) {
            *scale = (enum scale)i;
            return 0;
        }
    return error_set(err, E_INPUT,
                     "%s has %d x %d pixels of %d channels; ImageNet-C has constants for "
                     "RGB of 224, 64 and 32 pixels",
                     im->name, im->width, im->height, im->channels);
}

int corrupt(struct image *to, const struct image *from, const struct corruption *c,
            const struct draws *d, struct error *err)
{
    struct job job = { .from = from,
                       .side = from->width,
                       .level = c->severity - 1,
                       .d = d,
                       .frost = c->frost };
    int rc = find_scale(&job.scale, from, err);
    size_t i = 0;

    assert(c->severity >= 1 && c->severity <= CORRUPT_SEVERITIES);
    if (rc < 0)
        return rc;
    while (strcmp(known[i].type, c->type) != 0)
        i++;
    image_init(to, from->width, from->height, 3);
    job.to = to->pixel;
    rc = known[i].run(&job, err);
    if (rc < 0)
        image_release(to);
    return rc;
}
