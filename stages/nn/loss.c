#include "nn/loss.h"

#include <math.h>
#include <string.h>

#include "larder/banned.h"

float loss_cross_entropy(const float *logits, int classes, int label, float scale,
                         float *gradient)
{
    double top = (double)logits[0], sum = 0;

    for (int k = 1; k < classes; k++)
        top = (double)logits[k] > top ? (double)logits[k] : top;
    for (int k = 0; k < classes; k++)
        sum += exp((double)logits[k] - top);
    for (int k = 0; k < classes && gradient != NULL; k++) {
        double p = exp((double)logits[k] - top) / sum;
        gradient[k] = (float)((double)scale * (p - (k == label)));
    }
    return (float)(log(sum) - ((double)logits[label] - top));
}

/* The mean over a picture's places. */
static float picture_loss(const struct nn_loss *l, size_t first)
{
    double sum = 0;

    for (size_t p = first; p < first + (size_t)l->places; p++) {
        const float *logits = l->logits + p * (size_t)l->classes;
        float *dlogits = l->dlogits != NULL ? l->dlogits + p * (size_t)l->classes : NULL;

        if (l->label[p] >= 0)
            sum += (double)loss_cross_entropy(logits, l->classes, l->label[p], l->scale,
                                              dlogits);
        else if (dlogits != NULL)
            memset(dlogits, 0, (size_t)l->classes * sizeof *dlogits);
    }
    return (float)(sum / l->places);
}

int loss_of_pictures(struct nn_device *dev, const struct nn_loss *l, struct error *err)
{
    size_t each = (size_t)l->places * (size_t)l->classes;

    (void)dev;
    (void)err;
    for (int i = 0; i < l->n; i++) {
        float one = picture_loss(l, (size_t)i * (size_t)l->places);

        l->loss[i] = l->adds ? l->loss[i] + l->weight * one : one;
    }
    if (l->dlogits != NULL)
        memset(l->dlogits + (size_t)l->n * each, 0,
               (size_t)(l->room - l->n) * each * sizeof *l->dlogits);
    return 0;
}
