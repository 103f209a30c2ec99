/*
 * scramble - a picture cut into p x p patches that are laid out anew (paper,
 * section 3.2.1: "Scrambled"; patches are neither turned nor mirrored).
 */
#ifndef DISTORT_SCRAMBLE_H
#define DISTORT_SCRAMBLE_H

#include "image/image.h"
#include "kit/draws.h"

enum { SCRAMBLE_MOST = 32 };

/* order[d] is the patch that comes to place d, both row by row. The first permutation of
 * streams 0, 1, ... that is not the identity. p: 2 to SCRAMBLE_MOST. */
void scramble_order(const struct draws *d, int p, uint32_t *order);
/* The one permutation that the authors' code takes for all pictures: NumPy's of p * p,
 * with the seed 212 (anguyen8/shape-bias, utils.py, scrimble_img). */
void scramble_released(int p, uint32_t *order);
/* *to is new. E_INPUT for a picture whose sides p does not divide. */
int scramble(struct image *to, const struct image *from, int p, const uint32_t *order,
             struct error *err);

#endif
