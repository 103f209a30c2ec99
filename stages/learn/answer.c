#include "learn/answer.h"

#include <math.h>

#include "larder/banned.h"

int largest(const double *p, int n)
{
    int best = 0;

    for (int i = 1; i < n; i++)
        if (p[i] > p[best])
            best = i;
    return best;
}

int largest_logit(const float *logits, int classes)
{
    int best = 0;

    for (int i = 1; i < classes; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

void softmax(const float *logits, int classes, double *p)
{
    double top = (double)logits[largest_logit(logits, classes)], sum = 0;

    for (int i = 0; i < classes; i++) {
        p[i] = exp((double)logits[i] - top);
        sum += p[i];
    }
    for (int i = 0; i < classes; i++)
        p[i] /= sum;
}
