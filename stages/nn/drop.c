#include "nn/drop.h"

#include <string.h>

#include "kit/draws.h"
#include "larder/banned.h"

static void draw_picture(const struct nn_op_desc *d, const struct draws *draws,
                         uint64_t epoch, float *factor)
{
    size_t HW = (size_t)d->H * d->W, n = HW * d->C;
    double limit = d->drop * 4294967296.0;
    float kept = (float)(1 / (1 - d->drop));
    uint32_t word[4];

    for (size_t e = 0; e < n; e++) {
        if (e % 4 == 0)
            draws_block(draws, DROP_STREAM + d->stream, (epoch << 32) + e / 4, word);
        factor[e % HW * d->C + e / HW] = (double)word[e % 4] < limit ? 0 : kept;
    }
}

void drop_draw(const struct nn_op_desc *d, const struct nn_args *a, float *factor)
{
    size_t n = (size_t)d->H * d->W * d->C;

    for (int i = 0; i < a->count; i++)
        draw_picture(d, &a->draws[i], *a->epoch, factor + i * n);
    memset(factor + a->count * n, 0, (size_t)(d->N - a->count) * n * sizeof *factor);
}
