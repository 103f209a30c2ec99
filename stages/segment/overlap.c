#include "segment/overlap.h"

#include "larder/banned.h"

void overlap_add(struct overlap *o, int labels, const int *found, const int *exact,
                 size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (exact[i] < 0 || exact[i] >= labels || found[i] < 0 || found[i] >= labels)
            continue;
        o[found[i]].found++;
        o[exact[i]].exact++;
        o[exact[i]].both += found[i] == exact[i];
    }
}

double overlap_iou(const struct overlap *o)
{
    long either = o->found + o->exact - o->both;

    return either > 0 ? (double)o->both / (double)either : -1;
}

double overlap_mean(const struct overlap *o, int labels)
{
    double sum = 0;
    int n = 0;

    for (int k = 0; k < labels; k++) {
        double iou = overlap_iou(&o[k]);

        if (iou < 0)
            continue;
        sum += iou;
        n++;
    }
    return n > 0 ? sum / n : 0;
}
