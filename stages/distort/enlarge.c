#include "distort/enlarge.h"

#include <math.h>
#include <stdlib.h>

#include "larder/mem.h"

#include "larder/banned.h"

enum { WEIGHT_BITS = 11, WEIGHT_ONE = 1 << WEIGHT_BITS };

/* Output i is between place[i] and place[i] + 1, by weights that add up to WEIGHT_ONE. */
struct side {
    int *place, *right;
};

static void side_open(struct side *s, int in, int out, double scale)
{
    s->place = xcalloc((size_t)out, sizeof *s->place);
    s->right = xcalloc((size_t)out, sizeof *s->right);
    for (int i = 0; i < out; i++) {
        float at = (float)((i + .5) * scale - .5);
        int low = (int)floorf(at);
        float part = at - (float)low;

        if (low < 0) {
            low = 0;
            part = 0;
        }
        if (low >= in - 1) {
            low = in - 1;
            part = 0;
        }
        s->place[i] = low;
        s->right[i] = (int)lrintf(part * WEIGHT_ONE);
    }
}

static void side_close(struct side *s)
{
    free(s->place);
    free(s->right);
}

/* The horizontal sum of a row at output column x. */
static int across(const struct image *im, const struct side *s, int row, int x, int c)
{
    int C = im->channels, left = s->place[x];
    int next = left + 1 < im->width ? left + 1 : left;
    const uint8_t *p = im->pixel + (size_t)row * (size_t)im->width * (size_t)C;

    return p[left * C + c] * (WEIGHT_ONE - s->right[x]) + p[next * C + c] * s->right[x];
}

void enlarge(struct image *to, const struct image *from, double factor)
{
    int width = (int)nearbyint(from->width * factor);
    int height = (int)nearbyint(from->height * factor), C = from->channels;
    struct side h, v;
    uint8_t *out;

    image_init(to, width < 1 ? 1 : width, height < 1 ? 1 : height, C);
    side_open(&h, from->width, to->width, 1 / factor);
    side_open(&v, from->height, to->height, 1 / factor);
    out = to->pixel;
    for (int y = 0; y < to->height; y++) {
        int top = v.place[y], next = top + 1 < from->height ? top + 1 : top;

        for (int x = 0; x < to->width; x++)
            for (int c = 0; c < C; c++) {
                int a = across(from, &h, top, x, c) >> 4;
                int b = across(from, &h, next, x, c) >> 4;

                *out++ = (uint8_t)((((WEIGHT_ONE - v.right[y]) * a >> 16) +
                                    (v.right[y] * b >> 16) + 2) >>
                                   2);
            }
    }
    side_close(&h);
    side_close(&v);
}
