/*
 * simd - NN_CLONES before a function: the compiler makes copies of it for wider vectors
 * and the right one is chosen when the program starts. Each element is computed by the
 * same operations in each copy (no contraction, no reordered sums), so results do not
 * differ. Such a function is static, and its name occurs once in the whole library:
 * clang's copies are global symbols, but can only be called from the file that holds
 * them.
 */
#ifndef NN_SIMD_H
#define NN_SIMD_H

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define NN_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define NN_CLONES
#endif

#endif
