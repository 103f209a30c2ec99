/* cuBLAS: handles and products of float matrices, which lie column by column. */
#include <stdlib.h>

#include "call.h"
#include "handle.h"
#include "library.h"
#include "memory.h"
#include "product.h"
#include "stream.h"
#include "told.h"

struct cublasContext {
    int device;
    cudaStream_t stream;
    cublasMath_t math;
    cublasPointerMode_t pointers;
    void *work;
    size_t n_work;
};

/* c = alpha a b + beta c of M x N, each of them `count` times. */
struct gemm {
    size_t M, N, K, lda, ldb, ldc;
    cublasOperation_t ta, tb;
    long long sa, sb, sc;
    int count;
    const float *a, *b, *alpha, *beta; /* alpha, beta: of the device; NULL: the values */
    float *c, alpha_value, beta_value;
    bool coarse;
};

static cublasStatus_t leave(cublasStatus_t s)
{
    call_done();
    return s;
}

static cublasStatus_t enter(enum call_kind kind, const char *name, cublasHandle_t h)
{
    cudaError_t e = call_enter(kind, name);

    if (h == NULL && e == cudaSuccess)
        return CUBLAS_STATUS_NOT_INITIALIZED;
    if (h != NULL)
        handle_check(HANDLE_BLAS, h);
    return library_blas(e);
}

cublasStatus_t cublasCreate_v2(cublasHandle_t *h)
{
    cublasStatus_t s = library_blas(call_enter(CALL_SETUP, "cublasCreate"));

    if (s == CUBLAS_STATUS_SUCCESS && h == NULL)
        s = CUBLAS_STATUS_INVALID_VALUE;
    if (s == CUBLAS_STATUS_SUCCESS) {
        *h = handle_new(HANDLE_BLAS, sizeof **h);
        (*h)->device = call_device();
    }
    return leave(s);
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t h)
{
    cublasStatus_t s = enter(CALL_CLEANUP, "cublasDestroy", h);

    if (h != NULL)
        handle_end(HANDLE_BLAS, h);
    return leave(s);
}

cublasStatus_t cublasGetVersion_v2(cublasHandle_t h, int *version)
{
    cublasStatus_t s = enter(CALL_SETUP, "cublasGetVersion", h);

    *version = CUBLAS_VERSION;
    return leave(s);
}

/* A workspace of the caller's is forgotten, as the specification says. */
cublasStatus_t cublasSetStream_v2(cublasHandle_t h, cudaStream_t stream)
{
    cublasStatus_t s = enter(CALL_SETUP, "cublasSetStream", h);

    if (s != CUBLAS_STATUS_SUCCESS)
        return leave(s);
    stream_of(stream);
    h->stream = stream;
    h->work = NULL;
    h->n_work = 0;
    return leave(s);
}

cublasStatus_t cublasGetStream_v2(cublasHandle_t h, cudaStream_t *stream)
{
    cublasStatus_t s = enter(CALL_SETUP, "cublasGetStream", h);

    if (s == CUBLAS_STATUS_SUCCESS)
        *stream = h->stream;
    return leave(s);
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t h, void *work, size_t n)
{
    cublasStatus_t s = enter(CALL_SETUP, "cublasSetWorkspace", h);

    if (s != CUBLAS_STATUS_SUCCESS)
        return leave(s);
    if ((size_t)work % 256 != 0)
        return leave(CUBLAS_STATUS_INVALID_VALUE);
    memory_check_device(h->device, work, n, "the workspace");
    h->work = work;
    h->n_work = n;
    return leave(s);
}

cublasStatus_t cublasSetMathMode(cublasHandle_t h, cublasMath_t math)
{
    cublasStatus_t s = enter(CALL_SETUP, "cublasSetMathMode", h);

    if (s == CUBLAS_STATUS_SUCCESS)
        h->math = math;
    return leave(s);
}

cublasStatus_t cublasGetMathMode(cublasHandle_t h, cublasMath_t *math)
{
    cublasStatus_t s = enter(CALL_SETUP, "cublasGetMathMode", h);

    if (s == CUBLAS_STATUS_SUCCESS)
        *math = h->math;
    return leave(s);
}

cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t h, cublasPointerMode_t mode)
{
    cublasStatus_t s = enter(CALL_SETUP, "cublasSetPointerMode", h);

    if (s == CUBLAS_STATUS_SUCCESS)
        h->pointers = mode;
    return leave(s);
}

cublasStatus_t cublasGetPointerMode_v2(cublasHandle_t h, cublasPointerMode_t *mode)
{
    cublasStatus_t s = enter(CALL_SETUP, "cublasGetPointerMode", h);

    if (s == CUBLAS_STATUS_SUCCESS)
        *mode = h->pointers;
    return leave(s);
}

const char *cublasGetStatusString(cublasStatus_t s)
{
    switch (s) {
    case CUBLAS_STATUS_SUCCESS:
        return "the operation completed successfully";
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
        return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
        return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_EXECUTION_FAILED:
        return "the GPU program failed to execute";
    case CUBLAS_STATUS_NOT_SUPPORTED:
        return "the functionality requested is not supported";
    default:
        return "an internal operation failed";
    }
}

/* One of the products, in double, then rounded once. */
static void run_one(const struct gemm *g, int i, float alpha, float beta, double *sum)
{
    const float *a = g->a + i * g->sa, *b = g->b + i * g->sb;
    float *c = g->c + i * g->sc;
    bool at = g->ta != CUBLAS_OP_N, bt = g->tb != CUBLAS_OP_N;
    struct matrix left = { a, at ? (ptrdiff_t)g->lda : 1, at ? 1 : (ptrdiff_t)g->lda };
    struct matrix right = { b, bt ? (ptrdiff_t)g->ldb : 1, bt ? 1 : (ptrdiff_t)g->ldb };

    for (size_t k = 0; k < g->M * g->N; k++)
        sum[k] = 0;
    product_add(sum, g->M, g->N, alpha == 0 ? 0 : g->K, left, right, g->coarse);
    for (size_t n = 0; n < g->N; n++) {
        for (size_t m = 0; m < g->M; m++) {
            double v = (double)alpha * sum[m * g->N + n];
            if (beta != 0) /* else c may hold what is no number */
                v += (double)beta * (double)c[n * g->ldc + m];
            c[n * g->ldc + m] = (float)v;
        }
    }
}

static void run(void *payload)
{
    const struct gemm *g = payload;
    float alpha = g->alpha != NULL ? *g->alpha : g->alpha_value;
    float beta = g->beta != NULL ? *g->beta : g->beta_value;
    double *sum = malloc((g->M * g->N + 1) * sizeof *sum);

    if (sum == NULL)
        told_stop("out of memory for the double itself");
    for (int i = 0; i < g->count; i++)
        run_one(g, i, alpha, beta, sum);
    free(sum);
}

/* From the first value to the last one of all the matrices. */
static size_t extent(size_t rows, size_t columns, size_t ld, long long stride, int count)
{
    if (rows == 0 || columns == 0 || count == 0)
        return 0;
    return ((columns - 1) * ld + rows + (size_t)stride * (size_t)(count - 1)) *
           sizeof(float);
}

static bool is_operation(cublasOperation_t t)
{
    return t == CUBLAS_OP_N || t == CUBLAS_OP_T || t == CUBLAS_OP_C;
}

static bool leading(int ld, int rows)
{
    return ld >= (rows > 1 ? rows : 1);
}

static cublasStatus_t take_scalars(cublasHandle_t h, struct gemm *g)
{
    if (g->alpha == NULL || g->beta == NULL)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (h->pointers == CUBLAS_POINTER_MODE_DEVICE) {
        memory_check_device(h->device, g->alpha, sizeof(float), "alpha");
        memory_check_device(h->device, g->beta, sizeof(float), "beta");
        return CUBLAS_STATUS_SUCCESS;
    }
    memory_check_host(g->alpha, "alpha");
    memory_check_host(g->beta, "beta");
    g->alpha_value = *g->alpha;
    g->beta_value = *g->beta;
    g->alpha = g->beta = NULL;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t queue(cublasHandle_t h, struct gemm *g)
{
    size_t M = g->M, N = g->N, K = g->K, c = extent(M, N, g->ldc, g->sc, g->count);
    bool at = g->ta != CUBLAS_OP_N, bt = g->tb != CUBLAS_OP_N;
    size_t a = extent(at ? K : M, at ? M : K, g->lda, g->sa, g->count);
    size_t b = extent(bt ? N : K, bt ? K : N, g->ldb, g->sb, g->count);
    struct deed *d;

    if (h->device != call_device())
        told_stop("%s: the handle is of device %d, the current device is %d", call_name(),
                  h->device, call_device());
    if (g->count > 1 && (size_t)g->sc < (N - 1) * g->ldc + M)
        told_stop("%s: the results overlap", call_name());
    d = deed_new(run, g, sizeof *g);
    deed_touches(d, g->a, a, "a");
    deed_touches(d, g->b, b, "b");
    deed_touches(d, g->c, c, "c");
    if (((const char *)g->c < (const char *)g->a + a &&
         (const char *)g->a < (const char *)g->c + c) ||
        ((const char *)g->c < (const char *)g->b + b &&
         (const char *)g->b < (const char *)g->c + c))
        told_stop("%s: the result overlaps an operand", call_name());
    return library_blas(stream_add(stream_of(h->stream), d));
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t h, cublasOperation_t ta,
                                         cublasOperation_t tb, int m, int n, int k,
                                         const float *alpha, const float *a, int lda,
                                         long long sa, const float *b, int ldb,
                                         long long sb, const float *beta, float *c,
                                         int ldc, long long sc, int count)
{
    cublasStatus_t s = enter(CALL_WORK, "cublasSgemmStridedBatched", h);
    struct gemm g = { .ta = ta,
                      .tb = tb,
                      .a = a,
                      .b = b,
                      .c = c,
                      .sa = sa,
                      .sb = sb,
                      .sc = sc,
                      .count = count,
                      .alpha = alpha,
                      .beta = beta };

    if (s != CUBLAS_STATUS_SUCCESS)
        return leave(s);
    if (m < 0 || n < 0 || k < 0 || count < 0 || sa < 0 || sb < 0 || sc < 0 ||
        !is_operation(ta) || !is_operation(tb) ||
        !leading(lda, ta == CUBLAS_OP_N ? m : k) ||
        !leading(ldb, tb == CUBLAS_OP_N ? k : n) || !leading(ldc, m))
        return leave(CUBLAS_STATUS_INVALID_VALUE);
    g.M = (size_t)m;
    g.N = (size_t)n;
    g.K = (size_t)k;
    g.lda = (size_t)lda;
    g.ldb = (size_t)ldb;
    g.ldc = (size_t)ldc;
    g.coarse = h->math == CUBLAS_TF32_TENSOR_OP_MATH;
    s = take_scalars(h, &g);
    if (s != CUBLAS_STATUS_SUCCESS || m == 0 || n == 0 || count == 0)
        return leave(s);
    return leave(queue(h, &g));
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t h, cublasOperation_t ta,
                              cublasOperation_t tb, int m, int n, int k,
                              const float *alpha, const float *a, int lda, const float *b,
                              int ldb, const float *beta, float *c, int ldc)
{
    return cublasSgemmStridedBatched(h, ta, tb, m, n, k, alpha, a, lda, 0, b, ldb, 0,
                                     beta, c, ldc, 0, 1);
}
