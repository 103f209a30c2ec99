#include "kit/draws.h"
#include "nn/cudnn/kernels.h"
#include "nn/cudnn/launch.cuh"

struct four {
    float v[4];
};

static struct four take_four(const float *v, int n)
{
    struct four f = {};

    for (int i = 0; i < n && i < 4; i++)
        f.v[i] = v[i];
    return f;
}

static size_t values_x(const struct nn_op_desc *d)
{
    return (size_t)d->N * d->H * d->W * d->C;
}

static size_t values_y(const struct nn_op_desc *d)
{
    return (size_t)d->N * d->P * d->Q * d->K;
}

cudaError_t kernel_normalise(const struct nn_op_desc *d, const float *x, float *y)
{
    struct four mean = take_four(d->mean, d->C), std = take_four(d->std, d->C);
    unsigned C = d->C;

    return launch(values_x(d), [=] __device__(size_t i) {
        unsigned c = (unsigned)(i % C);
        y[i] = (x[i] - mean.v[c]) / std.v[c];
    });
}

cudaError_t kernel_normalise_back(const struct nn_op_desc *d, const float *dy, float *dx)
{
    struct four std = take_four(d->std, d->C);
    unsigned C = d->C;

    return launch(values_x(d),
                  [=] __device__(size_t i) { dx[i] = dy[i] / std.v[i % C]; });
}

/* What is no number stays so, as on the CPU. */
static __device__ float clamped(float v)
{
    return v < 0 ? 0 : v;
}

cudaError_t kernel_bias_relu(float *y, const float *bias, size_t M, int K, bool relu)
{
    unsigned columns = K;

    return launch(M * K, [=] __device__(size_t i) {
        float v = y[i] + (bias != NULL ? bias[i % columns] : 0);
        y[i] = relu ? clamped(v) : v;
    });
}

cudaError_t kernel_gate(float *dy, const float *y, size_t n)
{
    return launch(n, [=] __device__(size_t i) {
        if (!(y[i] > 0))
            dy[i] = 0;
    });
}

cudaError_t kernel_relu(float *y, const float *x, size_t n)
{
    return launch(n, [=] __device__(size_t i) { y[i] = clamped(x[i]); });
}

cudaError_t kernel_relu_back(float *dx, const float *dy, const float *y, size_t n)
{
    return launch(n, [=] __device__(size_t i) { dx[i] = y[i] > 0 ? dy[i] : 0; });
}

cudaError_t kernel_accumulate(float *to, const float *from, size_t n)
{
    return launch(n, [=] __device__(size_t i) { to[i] += from[i]; });
}

cudaError_t kernel_add(float *y, const float *a, const float *b, size_t n, bool relu)
{
    return launch(n, [=] __device__(size_t i) {
        float v = a[i] + b[i];
        y[i] = relu ? clamped(v) : v;
    });
}

cudaError_t kernel_multiply(float *y, const float *x, const float *factor, size_t n)
{
    return launch(n, [=] __device__(size_t i) { y[i] = x[i] * factor[i]; });
}

cudaError_t kernel_copy_rows(float *to, size_t to_row, const float *from, size_t from_row,
                             size_t M, int n)
{
    unsigned columns = n;

    return launch(M * n, [=] __device__(size_t i) {
        size_t row = i / columns, k = i % columns;
        to[row * to_row + k] = from[row * from_row + k];
    });
}

/* Sums of columns: a block takes 32 columns of a share of the rows, each of its eight
 * rows of threads every eighth row, and then adds the eight in their order. What the
 * shares gave are rows again, of one share. So the order is that of M alone, on any GPU.
 */
enum { COLUMNS = 32, ROWS = 8, SHARE = 256, MOST_SHARES = 512 };

static unsigned shares_of(size_t M)
{
    size_t shares = (M + SHARE - 1) / SHARE;

    shares = shares > MOST_SHARES ? (size_t)MOST_SHARES : shares;
    return (unsigned)(shares < 1 ? 1 : shares);
}

struct pair {
    double a, b;
};

/* Room of a block, ROWS x COLUMNS. Not in the kernel: compilers for the CPU lose where a
 * template's variables are to be (tests/cuda-on-cpu). */
static __device__ struct pair *shared_pairs(void)
{
    __shared__ struct pair pairs[ROWS * COLUMNS];

    return pairs;
}

/* f(row, column) gives two values to sum; give(share, column, sums) takes the sums. */
template <class F, class G>
static __global__ void column_shares(size_t M, int K, F f, G give)
{
    struct pair *seen = shared_pairs();
    int k = blockIdx.x * COLUMNS + threadIdx.x;
    size_t rows = (M + gridDim.y - 1) / gridDim.y, from = rows * blockIdx.y,
           to = from + rows < M ? from + rows : M;
    struct pair sum = { 0, 0 };

    for (size_t i = from + threadIdx.y; i < to && k < K; i += ROWS) {
        struct pair v = f(i, k);
        sum.a += v.a;
        sum.b += v.b;
    }
    seen[threadIdx.y * COLUMNS + threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y != 0 || k >= K)
        return;
    for (int r = 1; r < ROWS; r++) {
        sum.a += seen[r * COLUMNS + threadIdx.x].a;
        sum.b += seen[r * COLUMNS + threadIdx.x].b;
    }
    give(blockIdx.y, k, sum);
}

template <class F, class G>
static cudaError_t launch_shares(unsigned shares, size_t M, int K, F f, G give)
{
    LAUNCH((column_shares<F, G>), dim3((K + COLUMNS - 1) / COLUMNS, shares),
           dim3(COLUMNS, ROWS), 0, kernel_stream, M, K, f, give);
    return cudaGetLastError();
}

/* finish(column, sums) for every column. part: shares x K. */
template <class F, class G>
static cudaError_t sum_columns(size_t M, int K, void *work, F f, G finish)
{
    struct pair *part = (struct pair *)work;
    unsigned shares = shares_of(M);
    cudaError_t status = launch_shares(
        shares, M, K, f, [=] __device__(unsigned share, int k, struct pair sum) {
            part[(size_t)share * K + k] = sum;
        });

    if (status != cudaSuccess)
        return status;
    return launch_shares(
        1, shares, K, [=] __device__(size_t share, int k) { return part[share * K + k]; },
        [=] __device__(unsigned, int k, struct pair sum) { finish(k, sum); });
}

size_t kernel_columns_work(int K)
{
    return (size_t)MOST_SHARES * K * sizeof(struct pair);
}

cudaError_t kernel_column_sums(float *sum, const float *x, size_t M, int K, void *work)
{
    return sum_columns(
        M, K, work,
        [=] __device__(size_t i, int k) {
            struct pair v = { x[i * K + k], 0 };
            return v;
        },
        [=] __device__(int k, struct pair s) { sum[k] = (float)s.a; });
}

/* Shapes that kernels need, without the rest of a description. */
struct shape {
    int N, H, W, C, P, Q, kernel, stride, pad;
    bool gate;
};

static struct shape shape_of(const struct nn_op_desc *d)
{
    struct shape s = { d->N, d->H,      d->W,      d->C,   d->P,
                       d->Q, d->kernel, d->stride, d->pad, d->gate };

    return s;
}

/* The first maximum of a window in row order; what is no number wins. */
cudaError_t kernel_maxpool(const struct nn_op_desc *d, const float *x, float *y,
                           int32_t *arg)
{
    struct shape s = shape_of(d);

    return launch(values_y(d), [=] __device__(size_t o) {
        int c = (int)(o % s.C), q = (int)(o / s.C % s.Q), p = (int)(o / s.C / s.Q % s.P);
        const float *in = x + o / s.C / s.Q / s.P * s.H * s.W * s.C;
        int h0 = p * s.stride - s.pad, w0 = q * s.stride - s.pad;
        int h1 = h0 + s.kernel < s.H ? h0 + s.kernel : s.H;
        int w1 = w0 + s.kernel < s.W ? w0 + s.kernel : s.W;
        h0 = h0 < 0 ? 0 : h0;
        w0 = w0 < 0 ? 0 : w0;
        int best = (h0 * s.W + w0) * s.C + c;
        for (int h = h0; h < h1; h++) {
            for (int w = w0; w < w1; w++) {
                int i = (h * s.W + w) * s.C + c;
                if (in[i] > in[best] || in[i] != in[i])
                    best = i;
            }
        }
        y[o] = in[best];
        arg[o] = best;
    });
}

/* Each value of x looks at the windows over it, in row order. */
cudaError_t kernel_maxpool_back(const struct nn_op_desc *d, const float *dy,
                                const float *x, const int32_t *arg, float *dx)
{
    struct shape s = shape_of(d);

    return launch(values_x(d), [=] __device__(size_t i) {
        int c = (int)(i % s.C), w = (int)(i / s.C % s.W), h = (int)(i / s.C / s.W % s.H);
        size_t picture = i / s.C / s.W / s.H * s.P * s.Q * s.C;
        int own = (h * s.W + w) * s.C + c;
        int p0 = h + s.pad - s.kernel, q0 = w + s.pad - s.kernel;
        p0 = p0 < 0 ? 0 : p0 / s.stride + 1;
        q0 = q0 < 0 ? 0 : q0 / s.stride + 1;
        float sum = 0;
        for (int p = p0; p < s.P && p * s.stride - s.pad <= h; p++) {
            for (int q = q0; q < s.Q && q * s.stride - s.pad <= w; q++) {
                size_t o = picture + ((size_t)p * s.Q + q) * s.C + c;
                if (arg[o] == own)
                    sum += dy[o];
            }
        }
        dx[i] = s.gate && !(x[i] > 0) ? 0 : sum;
    });
}

/* The row (or column) of an input of n that output row p shows. */
static __device__ int mirrored(int p, int pad, int n)
{
    int i = p < pad ? pad - p : p - pad;

    return i < n ? i : 2 * (n - 1) - i;
}

cudaError_t kernel_reflect(const struct nn_op_desc *d, const float *x, float *y)
{
    struct shape s = shape_of(d);
    int pad = d->pad;

    return launch(values_y(d), [=] __device__(size_t o) {
        int c = (int)(o % s.C), q = (int)(o / s.C % s.Q), p = (int)(o / s.C / s.Q % s.P);
        size_t n = o / s.C / s.Q / s.P;
        y[o] = x[((n * s.H + mirrored(p, pad, s.H)) * s.W + mirrored(q, pad, s.W)) * s.C +
                 c];
    });
}

/* The outputs that show row h of n: at most three. */
static __device__ int shown_at(int h, int pad, int n, int *at)
{
    int k = 0;

    if (h >= 1 && h <= pad)
        at[k++] = pad - h;
    at[k++] = pad + h;
    if (h <= n - 2 && h >= n - 1 - pad)
        at[k++] = pad + 2 * (n - 1) - h;
    return k;
}

cudaError_t kernel_reflect_back(const struct nn_op_desc *d, const float *dy, float *dx)
{
    struct shape s = shape_of(d);
    int pad = d->pad;

    return launch(values_x(d), [=] __device__(size_t i) {
        int c = (int)(i % s.C), w = (int)(i / s.C % s.W), h = (int)(i / s.C / s.W % s.H);
        const float *of = dy + i / s.C / s.W / s.H * s.P * s.Q * s.C;
        int p[3], q[3], n_p = shown_at(h, pad, s.H, p), n_q = shown_at(w, pad, s.W, q);
        float sum = 0;
        for (int a = 0; a < n_p; a++)
            for (int b = 0; b < n_q; b++)
                sum += of[((size_t)p[a] * s.Q + q[b]) * s.C + c];
        dx[i] = sum;
    });
}

cudaError_t kernel_upsample(const struct nn_op_desc *d, const float *x, float *y)
{
    struct shape s = shape_of(d);
    int factor = d->stride;

    return launch(values_y(d), [=] __device__(size_t o) {
        int c = (int)(o % s.C), q = (int)(o / s.C % s.Q), p = (int)(o / s.C / s.Q % s.P);
        size_t n = o / s.C / s.Q / s.P;
        y[o] = x[((n * s.H + p / factor) * s.W + q / factor) * s.C + c];
    });
}

cudaError_t kernel_upsample_back(const struct nn_op_desc *d, const float *dy, float *dx)
{
    struct shape s = shape_of(d);
    int factor = d->stride;

    return launch(values_x(d), [=] __device__(size_t i) {
        int c = (int)(i % s.C), w = (int)(i / s.C % s.W), h = (int)(i / s.C / s.W % s.H);
        const float *of = dy + i / s.C / s.W / s.H * s.P * s.Q * s.C;
        float sum = 0;
        for (int p = h * factor; p < (h + 1) * factor; p++)
            for (int q = w * factor; q < (w + 1) * factor; q++)
                sum += of[((size_t)p * s.Q + q) * s.C + c];
        dx[i] = sum;
    });
}

cudaError_t kernel_add_transposed(float *sum, const float *m, size_t n, int C)
{
    return launch(n * C * C, [=] __device__(size_t i) {
        size_t at = i / C / C * C * C, row = i / C % C, column = i % C;
        sum[i] = m[i] + m[at + column * C + row];
    });
}

/* Output p of an adaptive average takes rows p H / P to ((p + 1) H - 1) / P. */
static __device__ int window_from(int p, int H, int P)
{
    return p * H / P;
}

static __device__ int window_to(int p, int H, int P)
{
    return ((p + 1) * H + P - 1) / P;
}

cudaError_t kernel_avgpool(const struct nn_op_desc *d, const float *x, float *y)
{
    struct shape s = shape_of(d);

    return launch(values_y(d), [=] __device__(size_t o) {
        int c = (int)(o % s.C), q = (int)(o / s.C % s.Q), p = (int)(o / s.C / s.Q % s.P);
        const float *in = x + o / s.C / s.Q / s.P * s.H * s.W * s.C;
        int h0 = window_from(p, s.H, s.P), h1 = window_to(p, s.H, s.P);
        int w0 = window_from(q, s.W, s.Q), w1 = window_to(q, s.W, s.Q);
        float sum = 0;
        for (int h = h0; h < h1; h++)
            for (int w = w0; w < w1; w++)
                sum += in[(h * s.W + w) * s.C + c];
        y[o] = sum / (float)((h1 - h0) * (w1 - w0));
    });
}

cudaError_t kernel_avgpool_back(const struct nn_op_desc *d, const float *dy, float *dx)
{
    struct shape s = shape_of(d);

    return launch(values_x(d), [=] __device__(size_t i) {
        int c = (int)(i % s.C), w = (int)(i / s.C % s.W), h = (int)(i / s.C / s.W % s.H);
        size_t picture = i / s.C / s.W / s.H * s.P * s.Q * s.C;
        float sum = 0;
        for (int p = h * s.P / s.H; p < s.P && window_from(p, s.H, s.P) <= h; p++) {
            int h0 = window_from(p, s.H, s.P), h1 = window_to(p, s.H, s.P);
            if (h >= h1)
                continue;
            for (int q = w * s.Q / s.W; q < s.Q && window_from(q, s.W, s.Q) <= w; q++) {
                int w0 = window_from(q, s.W, s.Q), w1 = window_to(q, s.W, s.Q);
                if (w < w1)
                    sum += dy[picture + ((size_t)p * s.Q + q) * s.C + c] /
                           (float)((h1 - h0) * (w1 - w0));
            }
        }
        dx[i] = sum;
    });
}

/* Of a batch norm: mean and 1 / sqrt(variance + eps), as floats for the backward pass. */
struct norms {
    float *mean, *factor, *running;
    double eps, M;
    int C;
    bool moves;
};

static __device__ void moved(float *running, double towards)
{
    *running = (float)((double)*running * .9 + towards * .1);
}

static size_t pixels_that_count(const struct nn_op_desc *d, const struct nn_args *a)
{
    return (size_t)(d->training ? a->count : d->N) * d->H * d->W;
}

size_t kernel_batchnorm_work(int C)
{
    return kernel_columns_work(C) + 2 * (size_t)C * sizeof(double);
}

static cudaError_t batch_statistics(const float *x, struct norms s, void *work)
{
    double *exact = (double *)((char *)work + kernel_columns_work(s.C));
    size_t M = (size_t)s.M;
    cudaError_t status = sum_columns(
        M, s.C, work,
        [=] __device__(size_t i, int c) {
            struct pair v = { x[i * s.C + c], 0 };
            return v;
        },
        [=] __device__(int c, struct pair sum) { exact[c] = sum.a / s.M; });

    if (status != cudaSuccess)
        return status;
    return sum_columns(
        M, s.C, work,
        [=] __device__(size_t i, int c) {
            double off = (double)x[i * s.C + c] - exact[c];
            struct pair v = { off * off, 0 };
            return v;
        },
        [=] __device__(int c, struct pair sum) {
            double var = sum.a / s.M;
            s.mean[c] = (float)exact[c];
            s.factor[c] = (float)(1 / sqrt(var + s.eps));
            if (!s.moves)
                return;
            moved(&s.running[c], exact[c]);
            moved(&s.running[s.C + c], s.M > 1 ? var * s.M / (s.M - 1) : var);
        });
}

static cudaError_t running_statistics(struct norms s)
{
    return launch(s.C, [=] __device__(size_t c) {
        s.mean[c] = s.running[c];
        s.factor[c] = (float)(1 / sqrt((double)s.running[s.C + c] + s.eps));
    });
}

cudaError_t kernel_batchnorm(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t pixels = pixels_that_count(d, a), counted = pixels * d->C;
    unsigned C = d->C;
    float *mean = (float *)a->state, *factor = mean + C, *y = a->y;
    struct norms s = { mean, factor, a->running, d->eps, (double)pixels, d->C, a->moves };
    const float *x = a->x, *gamma = a->w, *beta = a->w + C;
    bool relu = d->relu;
    cudaError_t status =
        d->training ? batch_statistics(x, s, a->work) : running_statistics(s);

    if (status != cudaSuccess)
        return status;
    return launch(values_x(d), [=] __device__(size_t i) {
        unsigned c = (unsigned)(i % C);
        float v = (x[i] - mean[c]) * (factor[c] * gamma[c]) + beta[c];
        y[i] = i >= counted ? 0 : relu ? clamped(v) : v;
    });
}

cudaError_t kernel_batchnorm_back(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t pixels = pixels_that_count(d, a), counted = pixels * d->C;
    int C = d->C;
    const float *x = a->x, *gamma = a->w, *y = a->y;
    const float *mean = (const float *)a->state, *factor = mean + C;
    float *dy = a->dy, *dw = a->dw, *dx = a->dx;
    struct pair *sums = (struct pair *)((char *)a->work + kernel_columns_work(C));
    double M = (double)pixels;
    bool training = d->training;
    cudaError_t status = d->relu ? kernel_gate(dy, y, counted) : cudaSuccess;

    if (status == cudaSuccess)
        status = sum_columns(
            pixels, C, a->work,
            [=] __device__(size_t i, int c) {
                double g = dy[i * C + c];
                double z = ((double)x[i * C + c] - (double)mean[c]) * (double)factor[c];
                struct pair v = { g, g * z };
                return v;
            },
            [=] __device__(int c, struct pair sum) {
                if (dw != NULL) {
                    dw[c] = (float)sum.b;
                    dw[C + c] = (float)sum.a;
                }
                sums[c].a = training ? sum.a : 0;
                sums[c].b = training ? sum.b : 0;
            });
    if (status != cudaSuccess || dx == NULL)
        return status;
    return launch(values_x(d), [=] __device__(size_t i) {
        int c = (int)(i % C);
        double z = ((double)x[i] - (double)mean[c]) * (double)factor[c];
        double g = (double)dy[i] - (sums[c].a + z * sums[c].b) / M;
        dx[i] = i >= counted ? 0 : (float)((double)(gamma[c] * factor[c]) * g);
    });
}

/* Philox4x32-10, as in kit/draws.c. */
static __device__ void philox_block(uint32_t k0, uint32_t k1, uint32_t stream,
                                    uint64_t index, uint32_t out[4])
{
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32), c2 = stream, c3 = 0;

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;

        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

enum { DROP_STREAM_FIRST = 16 };

cudaError_t kernel_drop(const struct nn_op_desc *d, const struct nn_args *a,
                        float *factor)
{
    const struct draws *draws = a->draws;
    const uint64_t *epoch = a->epoch;
    unsigned HW = (unsigned)d->H * d->W, C = d->C, n = HW * C, blocks = (n + 3) / 4;
    size_t count = a->count;
    uint32_t stream = DROP_STREAM_FIRST + d->stream;
    double limit = d->drop * 4294967296.0;
    float kept = (float)(1 / (1 - d->drop));

    return launch((size_t)d->N * blocks, [=] __device__(size_t i) {
        size_t picture = i / blocks, block = i % blocks;
        float *to = factor + picture * n;
        uint32_t word[4];
        if (picture < count)
            philox_block(draws[picture].k0, draws[picture].k1, stream,
                         (*epoch << 32) + block, word);
        for (unsigned j = 0; j < 4; j++) {
            unsigned e = (unsigned)block * 4 + j;
            if (e < n)
                to[e % HW * C + e / HW] =
                    picture >= count || (double)word[j] < limit ? 0 : kept;
        }
    });
}
