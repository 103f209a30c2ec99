#include "draw/filter.h"

#include <math.h>

#include "larder/banned.h"

void filter_picture(const float *w, long channels, long height, long width, uint8_t *rgb)
{
    long plane = height * width;
    float low = w[0], high = w[0];

    for (long i = 1; i < channels * plane; i++) {
        low = fminf(low, w[i]);
        high = fmaxf(high, w[i]);
    }
    for (long i = 0; i < plane; i++)
        for (long c = 0; c < 3; c++) {
            double v = (double)w[(channels == 3 ? c : 0) * plane + i];
            double share =
                high > low ? (v - (double)low) / ((double)high - (double)low) : 0.5;

            rgb[i * 3 + c] = (uint8_t)lround(255 * share);
        }
}
