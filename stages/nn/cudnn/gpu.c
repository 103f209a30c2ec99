#include "nn/cudnn/gpu.h"

#include <stdio.h>

#include "larder/mem.h"
#include "nn/cudnn/kernels.h"
#include "nn/cudnn/queue.h"

#include "larder/banned.h"

/* What cuBLAS is given, the same on any GPU: as much as it takes on the largest. */
#define BLAS_WORK ((size_t)32 << 20)

static int chosen;

int gpu_cuda(cudaError_t status, const char *what, struct error *err)
{
    if (status == cudaSuccess)
        return 0;
    if (status == cudaErrorMemoryAllocation)
        return error_set(err, E_DEVICE,
                         "GPU: %s: out of memory; take a smaller batch, or a GPU that "
                         "nothing else uses",
                         what);
    return error_set(err, E_DEVICE, "GPU: %s: %s (CUDA error %d)", what,
                     cudaGetErrorString(status), (int)status);
}

int gpu_dnn(cudnnStatus_t status, const char *what, struct error *err)
{
    char more[300] = "";

    if (status == CUDNN_STATUS_SUCCESS)
        return 0;
    cudnnGetLastErrorString(more, sizeof more);
    return error_set(err, E_DEVICE, "cuDNN: %s: %s%s%s", what,
                     cudnnGetErrorString(status), more[0] != '\0' ? ": " : "", more);
}

int gpu_blas(cublasStatus_t status, const char *what, struct error *err)
{
    if (status == CUBLAS_STATUS_SUCCESS)
        return 0;
    return error_set(err, E_DEVICE, "cuBLAS: %s: %s", what,
                     cublasGetStatusString(status));
}

/* cuDNN 9 is one library a major version; a later minor version has what we call. */
static int check_versions(struct error *err)
{
    size_t have = cudnnGetVersion();

    if (have / 10000 == CUDNN_MAJOR)
        return 0;
    return error_set(err, E_DEVICE, "cuDNN %zu.%zu is installed, cuDNN %d is needed",
                     have / 10000, have / 100 % 100, CUDNN_MAJOR);
}

int gpu_start(int gpu, struct error *err)
{
    int n = 0, rc = gpu_cuda(cudaGetDeviceCount(&n), "counting GPUs", err);

    if (rc < 0)
        return rc;
    if (gpu >= n)
        return error_set(err, E_DEVICE, "there %s %d GPU%s here, counted from 0",
                         n == 1 ? "is" : "are", n, n == 1 ? "" : "s");
    chosen = gpu;
    return check_versions(err);
}

int gpu_enter(const struct nn_device *dev, struct error *err)
{
    return gpu_cuda(cudaSetDevice(dev->gpu), "choosing the GPU", err);
}

static int set_products(struct nn_device *d, bool tf32, struct error *err)
{
    d->tf32 = tf32;
    return gpu_blas(cublasSetMathMode(d->blas, tf32 ? CUBLAS_TF32_TENSOR_OP_MATH
                                                    : CUBLAS_PEDANTIC_MATH),
                    "choosing how products are rounded", err);
}

int gpu_products(struct nn_device *dev, bool tf32, struct error *err)
{
    return dev->tf32 == tf32 ? 0 : set_products(dev, tf32, err);
}

static int open_libraries(struct nn_device *d, struct error *err)
{
    int rc = gpu_dnn(cudnnCreate(&d->dnn), "opening", err);

    if (rc == 0)
        rc = gpu_dnn(cudnnSetStream(d->dnn, kernel_stream), "opening", err);
    if (rc == 0)
        rc = gpu_blas(cublasCreate(&d->blas), "opening", err);
    if (rc == 0)
        rc = gpu_blas(cublasSetStream(d->blas, kernel_stream), "opening", err);
    if (rc == 0)
        rc = gpu_cuda(cudaMalloc(&d->blas_work, BLAS_WORK), "taking memory", err);
    if (rc == 0)
        rc = gpu_blas(cublasSetWorkspace(d->blas, d->blas_work, BLAS_WORK), "opening",
                      err);
    return rc < 0 ? rc : set_products(d, false, err);
}

int gpu_open(struct nn_device **dev, int index, struct error *err)
{
    struct nn_device *d = xcalloc(1, sizeof *d);
    int rc;

    (void)index; /* lanes share the GPU */
    d->gpu = chosen;
    rc = gpu_enter(d, err);
    if (rc == 0) {
        d->queues = true;
        rc = queue_open(err);
    }
    if (rc == 0)
        rc = open_libraries(d, err);
    if (rc == 0)
        rc = gpu_cuda(cudaMalloc(&d->work, kernel_norm_work()), "taking memory", err);
    if (rc < 0) {
        gpu_close(d);
        d = NULL;
    }
    *dev = d;
    return rc;
}

void gpu_close(struct nn_device *dev)
{
    if (dev == NULL)
        return;
    cudaSetDevice(dev->gpu);
    cudaFree(dev->work);
    if (dev->blas != NULL)
        cublasDestroy(dev->blas);
    if (dev->dnn != NULL)
        cudnnDestroy(dev->dnn);
    cudaFree(dev->blas_work);
    if (dev->queues)
        queue_close();
    free(dev);
}

void gpu_platform(char *text, size_t n)
{
    size_t dnn = cudnnGetVersion();
    struct cudaDeviceProp p;

    if (cudaGetDeviceProperties(&p, chosen) != cudaSuccess)
        snprintf(p.name, sizeof p.name, "an unknown GPU");
    snprintf(text, n, "cudnn %zu.%zu.%zu on %s", dnn / 10000, dnn / 100 % 100, dnn % 100,
             p.name);
}
