#include "image/saved.h"

#include <string.h>

#include "image/jpeg.h"

#include "larder/banned.h"

enum { ARRAY_SIDE = 32 };

int saved_replace(struct image *im, const struct saving *s, struct error *err)
{
    bool small = strcmp(s->how, "auto") == 0 && im->width == ARRAY_SIDE;
    struct image read;
    int rc;

    if (small || strcmp(s->how, "raw") == 0)
        return 0;
    rc = image_through_jpeg(&read, im, s->quality, s->optimise, err);
    if (rc < 0)
        return rc;
    image_release(im);
    *im = read;
    return 0;
}
