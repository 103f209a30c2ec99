/*
 * mt19937 - the Mersenne Twister (Matsumoto and Nishimura 1998), as NumPy's
 * RandomState seeds and reads it. Only for repeating what others drew: all draws of our
 * own are by counter (kit/draws.h).
 */
#ifndef TRANSFER_MT19937_H
#define TRANSFER_MT19937_H

#include <stdint.h>

struct mt19937 {
    uint32_t state[624];
    int at;
};

void mt19937_init(struct mt19937 *m, uint32_t seed);
uint32_t mt19937_next(struct mt19937 *m);
/* numpy.random.randint(0, n): masked words, those above n - 1 left out. */
uint32_t mt19937_below(struct mt19937 *m, uint32_t n);

#endif
