/*
 * make_set OUT SPLIT COUNT SIZE [LABELS [VERSION]] - a small image set that can be
 * learnt: the shape class is the slope of a wide edge, the texture class the period of
 * stripes.
 *
 * Picture i has shape i mod 10. In the split `conflict` its texture is (i / 10) mod 10,
 * so one in ten agrees; elsewhere shape and texture agree. LABELS: added to every label,
 * for sets that must be refused. VERSION: other draws of the same pictures.
 */
#include <math.h>

#include "image/set.h"
#include "kit/draws.h"

#include "larder/banned.h"

static void paint(struct image *im, const struct draws *d)
{
    double pi = acos(-1.0);
    double slope = im->label * pi / 10, phase = 6 * draws_ua(d, 0, 0);
    uint8_t *pixel = im->pixel;
    uint64_t n = 0;

    for (int y = 0; y < im->height; y++)
        for (int x = 0; x < im->width; x++) {
            double side =
                (x - im->width / 2) * cos(slope) + (y - im->height / 2) * sin(slope);
            double value =
                (side > 0 ? 140 : 90) + 30 * sin(phase + x * (.3 + .25 * im->texture));

            for (int c = 0; c < 3; c++)
                *pixel++ = (uint8_t)(value + 20 * draws_ua(d, 1, n++));
        }
}

int main(int argc, char **argv)
{
    struct imageset *set = NULL;
    struct error err = { 0 };
    long count, size, shift, version;
    int rc;

    if (argc < 5)
        return 2;
    count = strtol(argv[3], NULL, 10);
    size = strtol(argv[4], NULL, 10);
    shift = argc > 5 ? strtol(argv[5], NULL, 10) : 0;
    version = argc > 6 ? strtol(argv[6], NULL, 10) : 0;
    rc = imageset_create(&set, argv[1], count * (size * size * 3 + 32), &err);
    for (long i = 0; i < count && rc == 0; i++) {
        char name[64];
        struct draws d;
        struct image im;

        snprintf(name, sizeof name, "%s-%06ld", argv[2], i);
        draws_init(&d, "test", "", name, (uint64_t)version);
        image_init(&im, (int)size, (int)size, 3);
        im.name = name;
        im.label = (int32_t)(i % 10);
        im.texture = strcmp(argv[2], "conflict") == 0 ? (int32_t)(i / 10 % 10) : im.label;
        paint(&im, &d);
        im.label += (int32_t)shift;
        rc = imageset_append(set, &im, &err);
        image_release(&im);
    }
    if (rc == 0)
        rc = imageset_commit(set, &err);
    imageset_close(set);
    if (rc < 0)
        fprintf(stderr, "make_set: %s\n", err.text);
    return rc < 0;
}
