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
