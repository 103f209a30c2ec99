#include "segment/input.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "image/decode.h"
#include "image/resize.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { BITS = 11, ONE = 1 << BITS };

/* Two neighbours in a row (or column) and their weights, of ONE. */
struct taps {
    int at[2], weight[2];
};

static struct taps *taps_of(int out, int in, double scale)
{
    struct taps *t = xcalloc((size_t)out, sizeof *t);

    for (int i = 0; i < out; i++) {
        float x = (float)((i + .5) * scale - .5);
        int at = (int)floorf(x);

        x -= (float)at;
        if (at < 0 || at >= in - 1) {
            at = at < 0 ? 0 : in - 1;
            x = 0;
        }
        t[i].at[0] = at;
        t[i].at[1] = at < in - 1 ? at + 1 : at;
        t[i].weight[0] = (int)rintf((1 - x) * ONE);
        t[i].weight[1] = (int)rintf(x * ONE);
    }
    return t;
}

/* A row of the source scaled in width: sums of 8 + BITS bits. */
static void scale_row(int *to, const struct image *im, int y, const struct taps *t,
                      int width)
{
    const uint8_t *row = im->pixel + (size_t)y * im->width * 3;

    for (int x = 0; x < width; x++)
        for (int c = 0; c < 3; c++)
            *to++ = row[3 * t[x].at[0] + c] * t[x].weight[0] +
                    row[3 * t[x].at[1] + c] * t[x].weight[1];
}

void input_scale(struct image *to, const struct image *im, int side)
{
    double f = side / (double)(im->width > im->height ? im->width : im->height);
    int width = (int)fmax(1, rint(im->width * f)), n = 3 * width;
    int height = (int)fmax(1, rint(im->height * f));
    struct taps *across = taps_of(width, im->width, 1 / f);
    struct taps *down = taps_of(height, im->height, 1 / f);
    int *a = xcalloc((size_t)n * 2, sizeof *a), *b = a + n;

    image_init(to, width, height, 3);
    to->name = im->name;
    to->label = im->label;
    to->texture = im->texture;
    for (int y = 0; y < height; y++) {
        uint8_t *row = to->pixel + (size_t)y * n;
        const int *w = down[y].weight;

        scale_row(a, im, down[y].at[0], across, width);
        scale_row(b, im, down[y].at[1], across, width);
        for (int i = 0; i < n; i++)
            row[i] =
                (uint8_t)(((w[0] * (a[i] >> 4) >> 16) + (w[1] * (b[i] >> 4) >> 16) + 2) >>
                          2);
    }
    free(a);
    free(down);
    free(across);
}

void input_floats(const struct image *im, float *to)
{
    size_t n = (size_t)im->width * im->height;

    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            to[3 * i + c] = im->pixel[3 * i + 2 - c];
}

/* EXIF: an APP1 segment that holds a TIFF file, whose first directory has the tag. */

enum { ORIENTATION = 0x0112, ENTRY = 12 };

static unsigned number(const uint8_t *p, int bytes, int little)
{
    unsigned v = 0;

    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[little ? bytes - 1 - i : i];
    return v;
}

static int orientation_of_tiff(const uint8_t *t, size_t n)
{
    int little = n >= 8 && t[0] == 'I';
    size_t at = n >= 8 ? number(t + 4, 4, little) : n;
    unsigned entries = n >= 2 && at <= n - 2 ? number(t + at, 2, little) : 0;

    for (unsigned i = 0; i < entries; i++) {
        size_t e = at + 2 + (size_t)i * ENTRY;
        unsigned v;

        if (e > n || n - e < ENTRY)
            return 1;
        if (number(t + e, 2, little) != ORIENTATION)
            continue;
        v = number(t + e + 8, 2, little);
        return v >= 1 && v <= 8 ? (int)v : 1;
    }
    return 1;
}

int input_orientation(const uint8_t *bytes, size_t n)
{
    size_t at = 2;

    if (n < 4 || bytes[0] != 0xff || bytes[1] != 0xd8)
        return 1;
    while (at + 4 <= n && bytes[at] == 0xff && bytes[at + 1] != 0xda) {
        size_t size = number(bytes + at + 2, 2, 0);

        if (size < 2 || at + 2 + size > n)
            return 1;
        if (bytes[at + 1] == 0xe1 && size >= 8 &&
            memcmp(bytes + at + 4, "Exif\0", 6) == 0)
            return orientation_of_tiff(bytes + at + 10, size - 8);
        at += 2 + size;
    }
    return 1;
}

/* Orientations 2 to 8: mirrored, turned by 180, both, and from 5 on with rows and columns
 * changed places. */
static void turn(struct image *to, const struct image *im, int orientation)
{
    bool swap = orientation >= 5;
    bool flip_x =
        orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool flip_y =
        orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;

    image_init(to, swap ? im->height : im->width, swap ? im->width : im->height, 3);
    for (int y = 0; y < to->height; y++) {
        for (int x = 0; x < to->width; x++) {
            int sx = swap ? y : x, sy = swap ? x : y;
            size_t from;

            sx = flip_x ? im->width - 1 - sx : sx;
            sy = flip_y ? im->height - 1 - sy : sy;
            from = ((size_t)sy * im->width + sx) * 3;
            memcpy(to->pixel + ((size_t)y * to->width + x) * 3, im->pixel + from, 3);
        }
    }
}

int input_load(struct image *to, const struct image *im, struct error *err)
{
    int orientation = im->file ? input_orientation(im->file, im->file_bytes) : 1;
    struct image rgb = { 0 };
    int rc;

    rc = image_load_rgb(&rgb, im, err);
    if (rc < 0)
        return rc;
    if (orientation == 1) {
        *to = rgb;
    } else {
        turn(to, &rgb, orientation);
        image_release(&rgb);
    }
    to->name = im->name;
    to->label = im->label;
    to->texture = im->texture;
    return 0;
}
