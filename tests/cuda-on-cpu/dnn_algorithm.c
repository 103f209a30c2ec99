/* cuDNN: which algorithms there are for a convolution, in an order that tempts: those
 * that are not repeatable or need too much room come first. */
#include <string.h>

#include "dnn.h"
#include "handle.h"
#include "told.h"

enum room { NO_ROOM, SOME_ROOM, TOO_MUCH_ROOM };

struct algorithm {
    int algorithm;
    bool columns_last, channels_last; /* the layouts that it has */
    bool repeatable, small;           /* small: 3 x 3, stride 1, dense, one group only */
    enum room room;
};

static const struct algorithm forward[] = {
    { CUDNN_CONVOLUTION_FWD_ALGO_DIRECT, false, false, true, false, NO_ROOM },
    { CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED, true, false, true, true, SOME_ROOM },
    { CUDNN_CONVOLUTION_FWD_ALGO_GEMM, true, true, true, false, TOO_MUCH_ROOM },
    { CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, true, true, true, false,
      SOME_ROOM },
    { CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, true, true, true, false, NO_ROOM },
    { CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, true, false, true, true, SOME_ROOM },
    { CUDNN_CONVOLUTION_FWD_ALGO_FFT, false, false, true, false, TOO_MUCH_ROOM },
    { CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING, false, false, true, false, TOO_MUCH_ROOM },
};

static const struct algorithm data[] = {
    { CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, true, true, false, false, NO_ROOM },
    { CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED, true, false, true, true,
      SOME_ROOM },
    { CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, true, true, true, false, SOME_ROOM },
    { CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT, true, false, true, false, TOO_MUCH_ROOM },
    { CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, true, false, true, true, SOME_ROOM },
    { CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING, false, false, true, false, NO_ROOM },
};

static const struct algorithm filter[] = {
    { CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, true, true, false, false, NO_ROOM },
    { CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, true, true, false, false, SOME_ROOM },
    { CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, true, false, true, false, TOO_MUCH_ROOM },
    { CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, true, true, true, false, SOME_ROOM },
    { CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED, true, false, true, true,
      SOME_ROOM },
    { CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD, false, false, true, true, NO_ROOM },
    { CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING, false, false, true, false, NO_ROOM },
};

static const struct {
    const struct algorithm *of;
    int n;
} passes[DNN_PASSES] = {
    [DNN_FORWARD] = { forward, sizeof forward / sizeof forward[0] },
    [DNN_DATA] = { data, sizeof data / sizeof data[0] },
    [DNN_FILTER] = { filter, sizeof filter / sizeof filter[0] },
};

static bool is_small(const struct dnn_conv *c)
{
    return c->wd.dim[2] == 3 && c->wd.dim[3] == 3 && c->cd.stride[0] == 1 &&
           c->cd.stride[1] == 1 && c->cd.dilation[0] == 1 && c->cd.dilation[1] == 1 &&
           c->cd.groups == 1;
}

/* No two algorithms or shapes want the same, and none a round number. */
static size_t room_of(const struct algorithm *a, const struct dnn_conv *c)
{
    if (a->room == NO_ROOM)
        return 0;
    if (a->room == TOO_MUCH_ROOM)
        return ((size_t)1 << 30) + 4096 + dnn_tensor_size(&c->xd);
    return dnn_filter_size(&c->wd) + dnn_tensor_size(&c->yd) / 3 + 52 +
           (size_t)a->algorithm * 4;
}

static cudnnStatus_t room_for(const struct algorithm *a, const struct dnn_conv *c,
                              size_t *size)
{
    bool channels_last;
    cudnnStatus_t s = dnn_layout(c, &channels_last);

    if (s == CUDNN_STATUS_SUCCESS &&
        (!(channels_last ? a->channels_last : a->columns_last) ||
         (a->small && !is_small(c))))
        s = CUDNN_STATUS_NOT_SUPPORTED;
    if (s == CUDNN_STATUS_SUCCESS)
        *size = room_of(a, c);
    return s;
}

static const struct algorithm *find(enum dnn_pass pass, int algorithm)
{
    for (int i = 0; i < passes[pass].n; i++)
        if (passes[pass].of[i].algorithm == algorithm)
            return &passes[pass].of[i];
    return NULL;
}

cudnnStatus_t dnn_workspace(const struct dnn_conv *c, size_t *size)
{
    const struct algorithm *a = find(c->pass, c->algorithm);

    return a == NULL ? CUDNN_STATUS_BAD_PARAM : room_for(a, c, size);
}

bool dnn_unsteady(enum dnn_pass pass, int algorithm)
{
    return !find(pass, algorithm)->repeatable;
}

static struct dnn_conv described(enum dnn_pass pass, cudnnTensorDescriptor_t x,
                                 cudnnFilterDescriptor_t w,
                                 cudnnConvolutionDescriptor_t conv,
                                 cudnnTensorDescriptor_t y)
{
    handle_check(HANDLE_TENSOR, x);
    handle_check(HANDLE_FILTER, w);
    handle_check(HANDLE_CONVOLUTION, conv);
    handle_check(HANDLE_TENSOR, y);
    return (struct dnn_conv){ .pass = pass, .xd = *x, .wd = *w, .cd = *conv, .yd = *y };
}

/* What a search gives, whatever the pass. */
struct found {
    int algorithm;
    cudnnStatus_t status;
    size_t memory;
    bool repeatable;
    cudnnMathType_t math;
};

/* Each algorithm, and before it the same with tensor cores where they are allowed. */
static int list(const struct dnn_conv *c, struct found *to, int most)
{
    bool tensor = c->cd.math != CUDNN_FMA_MATH;
    int n = 0;

    for (int i = 0; i < passes[c->pass].n; i++) {
        const struct algorithm *a = &passes[c->pass].of[i];
        for (int k = tensor ? 0 : 1; k < 2 && n < most; k++) {
            to[n] = (struct found){ a->algorithm, CUDNN_STATUS_SUCCESS, 0, a->repeatable,
                                    k == 0 ? CUDNN_TENSOR_OP_MATH : c->cd.math };
            to[n].status = room_for(a, c, &to[n].memory);
            n++;
        }
    }
    return n;
}

enum { MOST_FOUND = 32 };

#define SEARCH(Pass, Perf, pass, first, second, third, fourth)                       \
    cudnnStatus_t cudnnGetConvolution##Pass##Algorithm_v7(                           \
        cudnnHandle_t h, first, second, third, fourth, const int wanted, int *n,     \
        cudnnConvolution##Perf##AlgoPerf_t *to)                                      \
    {                                                                                \
        cudnnStatus_t s =                                                            \
            dnn_enter(CALL_SETUP, "cudnnGetConvolution" #Pass "Algorithm_v7");       \
        struct found found[MOST_FOUND];                                              \
        const char *why = "";                                                        \
        struct dnn_conv c;                                                           \
        handle_check(HANDLE_DNN, h);                                                 \
        c = described(pass, x, w, conv, y);                                          \
        if (s == CUDNN_STATUS_SUCCESS)                                               \
            s = dnn_fits(&c, &why);                                                  \
        if (s == CUDNN_STATUS_SUCCESS && (wanted < 1 || n == NULL || to == NULL))    \
            s = CUDNN_STATUS_BAD_PARAM;                                              \
        if (s != CUDNN_STATUS_SUCCESS)                                               \
            return dnn_refuse(s, why);                                               \
        *n = list(&c, found, wanted < MOST_FOUND ? wanted : MOST_FOUND);             \
        for (int i = 0; i < *n; i++) {                                               \
            memset(&to[i], 0, sizeof to[i]);                                         \
            to[i].algo = (cudnnConvolution##Perf##Algo_t)found[i].algorithm;         \
            to[i].status = found[i].status;                                          \
            to[i].time = -1;                                                         \
            to[i].memory = found[i].memory;                                          \
            to[i].determinism =                                                      \
                found[i].repeatable ? CUDNN_DETERMINISTIC : CUDNN_NON_DETERMINISTIC; \
            to[i].mathType = found[i].math;                                          \
        }                                                                            \
        return dnn_leave(s);                                                         \
    }                                                                                \
    cudnnStatus_t cudnnGetConvolution##Pass##WorkspaceSize(                          \
        cudnnHandle_t h, first, second, third, fourth,                               \
        cudnnConvolution##Perf##Algo_t algorithm, size_t *size)                      \
    {                                                                                \
        cudnnStatus_t s =                                                            \
            dnn_enter(CALL_SETUP, "cudnnGetConvolution" #Pass "WorkspaceSize");      \
        const char *why = "no such algorithm for these shapes";                      \
        struct dnn_conv c;                                                           \
        handle_check(HANDLE_DNN, h);                                                 \
        c = described(pass, x, w, conv, y);                                          \
        c.algorithm = (int)algorithm;                                                \
        if (s == CUDNN_STATUS_SUCCESS)                                               \
            s = dnn_fits(&c, &why);                                                  \
        if (s == CUDNN_STATUS_SUCCESS)                                               \
            s = dnn_workspace(&c, size);                                             \
        return s == CUDNN_STATUS_SUCCESS ? dnn_leave(s) : dnn_refuse(s, why);        \
    }

SEARCH(Forward, Fwd, DNN_FORWARD, const cudnnTensorDescriptor_t x,
       const cudnnFilterDescriptor_t w, const cudnnConvolutionDescriptor_t conv,
       const cudnnTensorDescriptor_t y)
SEARCH(BackwardData, BwdData, DNN_DATA, const cudnnFilterDescriptor_t w,
       const cudnnTensorDescriptor_t y, const cudnnConvolutionDescriptor_t conv,
       const cudnnTensorDescriptor_t x)
SEARCH(BackwardFilter, BwdFilter, DNN_FILTER, const cudnnTensorDescriptor_t x,
       const cudnnTensorDescriptor_t y, const cudnnConvolutionDescriptor_t conv,
       const cudnnFilterDescriptor_t w)
