/*
 * simd - DISTORT_CLONES before a function: copies of it for wider vectors, chosen when
 * the program starts, that compute each element by the same operations. Such a function
 * is static, and its name occurs once in the whole library (nn/simd.h tells why).
 */
#ifndef DISTORT_SIMD_H
#define DISTORT_SIMD_H

/* Four doubles at once, in memory anywhere; eight of these fill the registers that there
 * are for sums. */
typedef double lanes __attribute__((vector_size(32), aligned(8), may_alias));
enum { LANES = 4, SUMS = 8 };

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define DISTORT_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define DISTORT_CLONES
#endif

#endif
