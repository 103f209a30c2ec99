/*
 * mt19937 - the Mersenne Twister (Matsumoto and Nishimura 1998), as NumPy's
 * RandomState seeds and reads it. Only for repeating what others drew: all draws of our
 * own are by counter (kit/draws.h).
 */
#ifndef KIT_MT19937_H
#define KIT_MT19937_H

#include <stdint.h>

struct mt19937 {
    uint32_t state[624];
    int at;
};

void mt19937_init(struct mt19937 *m, uint32_t seed);
uint32_t mt19937_next(struct mt19937 *m);
/* numpy.random.randint(0, n): masked words, those above n - 1 left out. */
uint32_t mt19937_below(struct mt19937 *m, uint32_t n);
/* numpy.random.permutation(n): 0 to n - 1, n at least 1. */
void mt19937_permutation(struct mt19937 *m, uint32_t *order, uint32_t n);

#endif
