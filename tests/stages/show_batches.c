/*
 * show_batches SET SIDE EPOCH SEED - the pictures of a set as a training with the robust
 * transform sees them in an epoch: for each its name, a newline, and its values as
 * floats.
 */
#include <stdio.h>
#include <stdlib.h>

#include "learn/batches.h"

static int show(struct batches *b, uint64_t epoch, struct error *err)
{
    size_t size = (size_t)b->width * b->height * b->channels;
    float *pixels = calloc((size_t)b->pictures * size, sizeof *pixels);
    int32_t *label = calloc((size_t)b->pictures, sizeof *label);
    struct image im;
    int rc;

    rc = batches_begin(b, epoch, err);
    if (rc == 0)
        rc = batches_load(b, 0, pixels, label, err);
    for (long k = 0; k < b->pictures && rc == 0; k++) {
        rc = imageset_get(b->set, (long)b->order[k], &im, err);
        printf("%s\n", im.name);
        fwrite(pixels + (size_t)k * size, sizeof *pixels, size, stdout);
    }
    free(label);
    free(pixels);
    return rc;
}

int main(int argc, char **argv)
{
    struct batches_options o = { .classes = 1 << 20, .threads = 3 };
    struct error err = { 0 };
    struct imageset *set;
    struct batches b = { 0 };
    int rc;

    if (argc != 5)
        return 2;
    o.set = (const char *const *)&argv[1];
    o.n_sets = 1;
    o.robust_side = atoi(argv[2]);
    o.seed = strtoull(argv[4], NULL, 16);
    rc = imageset_open_files(&set, argv[1], &err);
    if (rc == 0) {
        o.batch = (int)imageset_size(set);
        imageset_close(set);
        rc = batches_open(&b, &o, &err);
    }
    if (rc == 0)
        rc = show(&b, strtoull(argv[3], NULL, 10), &err);
    batches_close(&b);
    if (rc < 0)
        fprintf(stderr, "show_batches: %s\n", err.text);
    return rc < 0;
}
