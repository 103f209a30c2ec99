/*
 * gather - what each of several ranks (nn/ranks.h) has computed for its pictures, made
 * known to all.
 */
#ifndef NN_GATHER_H
#define NN_GATHER_H

#include "nn/net.h"

/* An array of the host with `each` values for each of the n pictures, of which the lanes
 * of this process have filled their part: whole, in every rank. NULL is fine. */
int net_gather(struct net *net, int n, float *array, size_t each, struct error *err);
/* What it has taken. */
void gather_release(struct net *net);

#endif
