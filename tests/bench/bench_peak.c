/*
 * bench_peak - the most multiply-adds of floats that the machine does: GFLOP a second of
 * fused multiply-adds in registers, a multiply-add being two operations.
 *
 *     bench_peak THREADS
 *
 * prints "peak" and that: of CPU time with one thread, of elapsed time with more; the
 * best of five turns. Exit status 77: no AVX2.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHAINS = 12, TURNS = 1 << 24, MOST_THREADS = 64 };

static volatile float begin_with = .5f, kept;

#if defined(__x86_64__)
#include <immintrin.h>

/* Multiply-adds of 8 or 16 floats, more of them under way than any core has latency for.
 */
__attribute__((target("avx2,fma"))) static double narrow(void)
{
    __m256 a[CHAINS], k = _mm256_set1_ps(begin_with);

    for (int i = 0; i < CHAINS; i++)
        a[i] = _mm256_set1_ps((float)i);
    for (int t = 0; t < TURNS; t++)
        for (int i = 0; i < CHAINS; i++)
            a[i] = _mm256_fmadd_ps(a[i], k, k);
    for (int i = 0; i < CHAINS; i++)
        kept = _mm256_cvtss_f32(a[i]);
    return 2. * 8 * CHAINS * TURNS;
}

__attribute__((target("avx512f"))) static double wide(void)
{
    __m512 a[CHAINS], k = _mm512_set1_ps(begin_with);

    for (int i = 0; i < CHAINS; i++)
        a[i] = _mm512_set1_ps((float)i);
    for (int t = 0; t < TURNS; t++)
        for (int i = 0; i < CHAINS; i++)
            a[i] = _mm512_fmadd_ps(a[i], k, k);
    for (int i = 0; i < CHAINS; i++)
        kept = _mm512_cvtss_f32(a[i]);
    return 2. * 16 * CHAINS * TURNS;
}

static double operations(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        return wide();
    return __builtin_cpu_supports("fma") ? narrow() : 0;
}
#else
static double operations(void)
{
    return 0;
}
#endif

static void *work(void *done)
{
    *(double *)done = operations();
    return NULL;
}

static double seconds(int threads)
{
    struct timespec t;

    clock_gettime(threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double turn(int threads)
{
    pthread_t thread[MOST_THREADS];
    double done[MOST_THREADS], sum = 0, begin = seconds(threads);

    for (int i = 1; i < threads; i++)
        if (pthread_create(&thread[i], NULL, work, &done[i]) != 0)
            exit(1);
    work(&done[0]);
    for (int i = 1; i < threads; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < threads; i++)
        sum += done[i];
    return sum / (seconds(threads) - begin) / 1e9;
}

int main(int argc, char **argv)
{
    int threads = argc == 2 ? (int)strtol(argv[1], NULL, 10) : 0;
    double best = 0;

    if (threads < 1 || threads > MOST_THREADS) {
        fprintf(stderr, "usage: bench_peak THREADS, 1 to %d\n", MOST_THREADS);
        return 2;
    }
    for (int i = 0; i < 5; i++) {
        double now = turn(threads);
        best = now > best ? now : best;
    }
    if (best <= 0)
        return 77;
    printf("peak\t%.1f\n", best);
    return 0;
}
