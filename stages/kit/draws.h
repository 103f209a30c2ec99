/*
 * draws - random numbers by counter: the same for any order, thread or shard.
 *
 * Philox4x32-10 (Salmon et al. 2011) keyed by what is drawn for: a stage name, its
 * parameters as text, and the key of an item. Within a key, a draw is named by a stream
 * (one a purpose) and an index. docs/draws.md has the rule and its test vectors.
 */
#ifndef KIT_DRAWS_H
#define KIT_DRAWS_H

#include <stdint.h>

struct draws {
    uint32_t k0, k1;
};

/* params is "" or name=value pairs sorted by name, joined by commas. */
void draws_init(struct draws *d, const char *stage, const char *params, const char *item,
                uint64_t seed);
void draws_block(const struct draws *d, uint32_t stream, uint64_t index, uint32_t w[4]);
double draws_ua(const struct draws *d, uint32_t stream, uint64_t index); /* [0,1) */
double draws_ub(const struct draws *d, uint32_t stream,
                uint64_t index); /* [0,1), 2nd half */
double draws_uniform(const struct draws *d, uint32_t stream, uint64_t index, double a,
                     double b);
/* An integer in 0..n-1. */
uint64_t draws_below(const struct draws *d, uint32_t stream, uint64_t index, uint64_t n);
double draws_normal(const struct draws *d, uint32_t stream, uint64_t index);
int draws_poisson(const struct draws *d, uint32_t stream, uint64_t index, double lambda);
/* Fills p[0..n-1] with a permutation of 0..n-1 (stream 0, or another one). */
void draws_permutation(const struct draws *d, uint32_t *p, uint32_t n);
void draws_permutation_of(const struct draws *d, uint32_t stream, uint32_t *p,
                          uint32_t n);

/* The four words of one Philox4x32-10 block. */
void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#endif
