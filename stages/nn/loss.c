#include "nn/loss.h"

#include <math.h>

#include "larder/banned.h"

float loss_cross_entropy(const float *logits, int classes, int label, float scale,
                         float *gradient)
{
    double top = (double)logits[0], sum = 0;

    for (int k = 1; k < classes; k++)
        top = (double)logits[k] > top ? (double)logits[k] : top;
    for (int k = 0; k < classes; k++)
        sum += exp((double)logits[k] - top);
    for (int k = 0; k < classes; k++) {
        double p = exp((double)logits[k] - top) / sum;
        gradient[k] = (float)((double)scale * (p - (k == label)));
    }
    return (float)(log(sum) - ((double)logits[label] - top));
}
