#include "distort/scramble.h"

#include <stdbool.h>
#include <string.h>

#include "kit/mt19937.h"

#include "larder/banned.h"

static bool is_identity(const uint32_t *order, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (order[i] != i)
            return false;
    return true;
}

void scramble_order(const struct draws *d, int p, uint32_t *order)
{
    uint32_t n = (uint32_t)(p * p);

    for (uint32_t stream = 0; stream == 0 || is_identity(order, n); stream++)
        draws_permutation_of(d, stream, order, n);
}

void scramble_released(int p, uint32_t *order)
{
    enum { SEED = 212 };
    struct mt19937 m;

    mt19937_init(&m, SEED);
    mt19937_permutation(&m, order, (uint32_t)(p * p));
}

int scramble(struct image *to, const struct image *from, int p, const uint32_t *order,
             struct error *err)
{
    int width = from->width / p, height = from->height / p, C = from->channels;
    size_t row = (size_t)(width * C), line = (size_t)(from->width * C);

    if (from->width % p != 0 || from->height % p != 0)
        return error_set(err, E_INPUT, "%s has %d x %d pixels, which %d does not divide",
                         from->name, from->width, from->height, p);
    image_init(to, from->width, from->height, C);
    for (int i = 0; i < p * p; i++) {
        int s = (int)order[i];
        const uint8_t *source =
            from->pixel + (size_t)(s / p * height) * line + (size_t)(s % p) * row;
        uint8_t *place =
            to->pixel + (size_t)(i / p * height) * line + (size_t)(i % p) * row;

        for (int y = 0; y < height; y++)
            memcpy(place + (size_t)y * line, source + (size_t)y * line, row);
    }
    return 0;
}
