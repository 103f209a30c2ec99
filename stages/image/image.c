#include "image/image.h"

#include <assert.h>

#include "larder/mem.h"

#include "larder/banned.h"

void image_init(struct image *im, int width, int height, int channels)
{
    assert(width > 0 && width <= UINT16_MAX && height > 0 && height <= UINT16_MAX);
    assert(channels == 1 || channels == 3);
    *im = (struct image){
        .width = width,
        .height = height,
        .channels = channels,
        .label = -1,
        .texture = -1,
        .owned = 1,
    };
    im->pixel = xcalloc(image_bytes(im), 1);
}

void image_release(struct image *im)
{
    if (im->owned)
        free(im->pixel);
    *im = (struct image){ 0 };
}

size_t image_bytes(const struct image *im)
{
    return (size_t)im->height * (size_t)im->width * (size_t)im->channels;
}

int image_check_size(unsigned long width, unsigned long height, struct error *err)
{
    if (width == 0 || height == 0)
        return error_set(err, E_INPUT, "%lu x %lu pixels", width, height);
    if (width > UINT16_MAX || height > UINT16_MAX || width * height > IMAGE_MOST_PIXELS)
        return error_set(err, E_INPUT,
                         "%lu x %lu pixels are more than this version reads", width,
                         height);
    return 0;
}
