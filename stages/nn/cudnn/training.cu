/* What training does to weights, and an attack to pictures. */
#include "nn/cudnn/kernels.h"
#include "nn/cudnn/launch.cuh"

static __device__ float summed(const struct kernel_update &u, size_t i)
{
    float g = u.g[0][i];

    for (int lane = 1; lane < u.lanes; lane++)
        g += u.g[lane][i];
    return g;
}

static __device__ double plus(double a, double b)
{
    return a + b;
}

static __device__ double larger(double a, double b)
{
    return a > b ? a : b;
}

/* What the N threads of a block have, joined to one value for all of them, in a tree that
 * N alone decides. seen: room for N, of the block. */
template <int N, double join(double, double)>
static __device__ double over_block(double v, double *seen)
{
    __syncthreads(); /* the last one has been read */
    seen[threadIdx.x] = v;
    for (unsigned half = N / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half)
            seen[threadIdx.x] = join(seen[threadIdx.x], seen[threadIdx.x + half]);
    }
    __syncthreads();
    return seen[0];
}

/* Sixty-four blocks of 256 sums each, then one thread adds them in their order. */
enum { NORM_BLOCKS = 64 };

static __global__ void norm_shares(struct kernel_update u, size_t n, double *part)
{
    __shared__ double seen[THREADS];
    double sum = 0;

    EACH(i, n)
    {
        double g = summed(u, i);
        sum += g * g;
    }
    sum = over_block<THREADS, plus>(sum, seen);
    if (threadIdx.x == 0)
        part[blockIdx.x] = sum;
}

size_t kernel_norm_work(void)
{
    return NORM_BLOCKS * sizeof(double);
}

cudaError_t kernel_norm(const struct kernel_update *u, size_t n, double *sum, void *work)
{
    double *part = (double *)work;

    LAUNCH(norm_shares, NORM_BLOCKS, THREADS, 0, kernel_stream, *u, n, part);
    return launch(1, [=] __device__(size_t) {
        double total = 0;
        for (int i = 0; i < NORM_BLOCKS; i++)
            total += part[i];
        *sum += total;
    });
}

/* As nn/sgd.c has it. */
static __device__ float clip_scale(const struct kernel_update &u)
{
    double scale = 1;

    if (u.rates->clip > 0)
        scale = u.rates->clip / (sqrt(*u.squares) + 1e-6);
    return scale < 1 ? (float)scale : 1;
}

cudaError_t kernel_sgd(const struct kernel_update *update, size_t n)
{
    struct kernel_update u = *update;

    return launch(n, [=] __device__(size_t i) {
        float d = summed(u, i) * clip_scale(u) + u.rates->weight_decay * u.w[i];
        float v = u.rates->momentum * u.v[i] + d;
        u.v[i] = v;
        u.w[i] -= u.rates->lr * v;
    });
}

enum { LOSS_THREADS = 128 };

/* A block a place; those of the pictures that do not count only get gradients of 0. */
static __global__ void place_loss(struct nn_loss l)
{
    __shared__ double seen[LOSS_THREADS];
    size_t place = blockIdx.x, counted = (size_t)l.n * l.places;
    const float *z = l.logits + place * l.classes;
    float *dz = l.dlogits != NULL ? l.dlogits + place * l.classes : NULL;
    int label = place < counted ? l.label[place] : -1;
    double top = -INFINITY, sum = 0;

    for (int k = threadIdx.x; k < l.classes && label >= 0; k += LOSS_THREADS)
        top = (double)z[k] > top ? (double)z[k] : top;
    top = over_block<LOSS_THREADS, larger>(top, seen);
    for (int k = threadIdx.x; k < l.classes && label >= 0; k += LOSS_THREADS)
        sum += exp((double)z[k] - top);
    sum = over_block<LOSS_THREADS, plus>(sum, seen);
    for (int k = threadIdx.x; k < l.classes && dz != NULL; k += LOSS_THREADS)
        dz[k] = label < 0 ? 0
                          : (float)((double)l.scale *
                                    (exp((double)z[k] - top) / sum - (k == label)));
    if (threadIdx.x == 0 && place < counted)
        l.work[place] = label < 0 ? 0 : (float)(log(sum) - ((double)z[label] - top));
}

cudaError_t kernel_loss(const struct nn_loss *loss)
{
    struct nn_loss l = *loss;

    if (l.room == 0)
        return cudaSuccess;
    LAUNCH(place_loss, l.room * l.places, LOSS_THREADS, 0, kernel_stream, l);
    return launch(l.n, [=] __device__(size_t i) {
        double sum = 0;
        for (int p = 0; p < l.places; p++)
            sum += (double)l.work[i * l.places + p];
        float one = (float)(sum / l.places);
        l.loss[i] = l.adds ? l.loss[i] + l.weight * one : one;
    });
}

cudaError_t kernel_sum_ranks(float *sum, const float *of, int ranks, size_t n)
{
    return launch(n, [=] __device__(size_t i) {
        float s = of[i];
        for (int r = 1; r < ranks; r++)
            s += of[(size_t)r * n + i];
        sum[i] = s;
    });
}

/* Products and sums one by one, so that they are rounded as on the CPU. */
cudaError_t kernel_fold(float *to, const float *weight, const float *bias,
                        const struct nn_norm *norm, size_t K, size_t n)
{
    const float *gamma = norm->w, *beta = gamma + K, *mean = norm->running,
                *var = mean + K;
    double eps = norm->eps;

    return launch(K * (n + 1), [=] __device__(size_t i) {
        size_t k = i < K * n ? i / n : i - K * n;
        double scale = (double)gamma[k] / sqrt((double)var[k] + eps);
        double b = bias != NULL ? (double)bias[k] : 0;
        double v =
            i < K * n ? scale * (double)weight[i]
                      : __dadd_rn((double)beta[k], __dmul_rn(b - (double)mean[k], scale));
        to[i] = (float)v;
    });
}

static __device__ float in_range(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

cudaError_t kernel_clamp(float *to, const float *from, size_t n)
{
    return launch(n, [=] __device__(size_t i) { to[i] = in_range(from[i]); });
}

enum { CLIMBERS = 1024 };

/* A block a picture. */
static __global__ void ascend(struct nn_ascent a)
{
    __shared__ double seen[CLIMBERS];
    size_t at = blockIdx.x * a.size;
    float *x = a.x + at, *g = a.g + at;
    const float *x0 = a.x0 + at;
    double squares = 0, length;
    float divisor, step = (float)a.reach->step, scale = 1;

    for (size_t i = threadIdx.x; i < a.size; i += CLIMBERS) {
        if (x[i] < 0 || x[i] > 1)
            g[i] = 0;
        squares += (double)g[i] * (double)g[i];
    }
    divisor = (float)sqrt(over_block<CLIMBERS, plus>(squares, seen)) + 1e-10f;
    squares = 0;
    for (size_t i = threadIdx.x; i < a.size; i += CLIMBERS) {
        float d = x[i] + g[i] / divisor * step - x0[i];
        g[i] = d;
        squares += (double)d * (double)d;
    }
    length = sqrt(over_block<CLIMBERS, plus>(squares, seen));
    if (length > a.reach->radius)
        scale = (float)(a.reach->radius / (length + 1e-7));
    for (size_t i = threadIdx.x; i < a.size; i += CLIMBERS)
        x[i] = in_range(x0[i] + g[i] * scale);
}

cudaError_t kernel_ascend(const struct nn_ascent *a)
{
    if (a->n == 0)
        return cudaSuccess;
    LAUNCH(ascend, a->n, CLIMBERS, 0, kernel_stream, *a);
    return cudaGetLastError();
}

/* A block a picture: all its threads have read the losses before one of them is changed.
 */
static __global__ void keep(struct nn_keep k)
{
    size_t i = blockIdx.x, at = i * k.size;
    float loss = k.loss[i];
    bool better = k.all || loss > k.best_loss[i];

    __syncthreads();
    if (!better)
        return;
    if (threadIdx.x == 0)
        k.best_loss[i] = loss;
    for (size_t j = threadIdx.x; j < k.size; j += THREADS)
        k.best[at + j] = k.x[at + j];
}

cudaError_t kernel_keep(const struct nn_keep *k)
{
    if (k->n == 0)
        return cudaSuccess;
    LAUNCH(keep, k->n, THREADS, 0, kernel_stream, *k);
    return cudaGetLastError();
}
