#include "nn/cudnn/gpu.h"

#include <stdio.h>
#include <stdlib.h>

#include "larder/mem.h"
#include "nn/cudnn/kernels.h"
#include "nn/cudnn/queue.h"

#include "larder/banned.h"

/* What cuBLAS is given, the same on any GPU: as much as it takes on the largest. */
#define BLAS_WORK ((size_t)32 << 20)

static int chosen;

/* What the process has taken of the GPU's memory by gpu_take(). */
static size_t held;

/* What fails for a reason that the caller cannot know: what it means, and what to do. */
static const struct known {
    cudaError_t status;
    int code;
    const char *advice;
} known[] = {
    { cudaErrorInsufficientDriver, E_DEVICE,
      "update the driver, or build Larder with an older CUDA Toolkit" },
    { cudaErrorSystemDriverMismatch, E_DEVICE,
      "restart the machine: driver and library are of two versions" },
    { cudaErrorNoDevice, E_DEVICE, "see nvidia-smi, and what CUDA_VISIBLE_DEVICES says" },
    { cudaErrorNoKernelImageForDevice, E_DEVICE,
      "build Larder with this GPU in LARDER_CUDA_ARCHITECTURES" },
    { cudaErrorDevicesUnavailable, E_AGAIN,
      "another program has it to itself, or it is lost: nvidia-smi tells; try again" },
    { cudaErrorECCUncorrectable, E_AGAIN,
      "its memory failed; try again, and have the GPU replaced if it comes back" },
    { cudaErrorNvlinkUncorrectable, E_AGAIN,
      "a link between GPUs failed; try again, and have it looked at if it comes back" },
#if CUDART_VERSION >= 13000
    { cudaErrorContained, E_AGAIN, "its memory failed, in this program only; try again" },
#endif
    { cudaErrorSystemNotReady, E_AGAIN, "the driver is still starting; try again" },
    { cudaErrorMpsConnectionFailed, E_AGAIN, "the MPS server is away; try again" },
    { cudaErrorMpsServerNotReady, E_AGAIN, "the MPS server is starting; try again" },
    { cudaErrorMpsMaxClientsReached, E_AGAIN, "the MPS server is full; try again" },
    { cudaErrorMpsMaxConnectionsReached, E_AGAIN, "the MPS server is full; try again" },
    { cudaErrorMpsClientTerminated, E_AGAIN,
      "another program of the MPS server took this one along; try again" },
    { cudaErrorUnknown, E_AGAIN,
      "the GPU may be lost: nvidia-smi and the kernel's log (Xid) tell; try again" },
    { cudaErrorLaunchTimeout, E_DEVICE,
      "a GPU with a screen ends long kernels; take one without" },
};

/* What the GPU's state is broken by, for the rest of the process. */
static const char broken[] =
    "a mistake in Larder, or a broken GPU; LARDER_DEVICE=cpu computes without it";

static const struct known *find(cudaError_t status)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].status == status)
            return &known[i];
    return NULL;
}

/* Memory for which there was no room, n bytes or so many that nobody knows. It helps to
 * wait when it would fit beside what we have: then others hold the rest. */
static int full(const char *what, size_t n, struct error *err)
{
    size_t left = 0, total = 0;

    if (cudaMemGetInfo(&left, &total) == cudaSuccess && held + n <= total / 10 * 9)
        return error_set(err, E_AGAIN,
                         "GPU: %s: out of memory: of its %zu MiB we have %zu, %zu are "
                         "free, others have the rest; try again, or take a GPU that "
                         "nothing else uses",
                         what, total >> 20, held >> 20, left >> 20);
    return error_set(err, E_DEVICE,
                     "GPU: %s: out of memory: its %zu MiB are too few; take a smaller "
                     "batch or a larger GPU",
                     what, total >> 20);
}

int gpu_cuda(cudaError_t status, const char *what, struct error *err)
{
    const struct known *k = find(status);

    if (status == cudaSuccess)
        return 0;
    if (status == cudaErrorMemoryAllocation)
        return full(what, 0, err);
    return error_set(err, k != NULL ? k->code : E_DEVICE,
                     "GPU: %s: %s (CUDA error %d); %s", what, cudaGetErrorString(status),
                     (int)status, k != NULL ? k->advice : broken);
}

int gpu_take(void **mem, size_t n, const char *what, struct error *err)
{
    cudaError_t status = cudaMalloc(mem, n);

    if (status == cudaErrorMemoryAllocation)
        return full(what, n, err);
    if (status == cudaSuccess)
        held += n;
    return gpu_cuda(status, what, err);
}

void gpu_give(void *mem, size_t n)
{
    if (mem == NULL)
        return;
    cudaFree(mem);
    held -= n;
}

int gpu_take_host(void **mem, size_t n, struct error *err)
{
    cudaError_t status = cudaMallocHost(mem, n);

    if (status != cudaErrorMemoryAllocation)
        return gpu_cuda(status, "taking memory that it reads by itself", err);
    return error_set(err, E_AGAIN,
                     "GPU: %zu MiB of the host's memory, for it to read by itself, are "
                     "refused; try again when others use less of it",
                     n >> 20);
}

int gpu_state(const char *what, struct error *err)
{
    size_t left, total;

    return gpu_cuda(cudaMemGetInfo(&left, &total), what, err);
}

int gpu_dnn(cudnnStatus_t status, const char *what, struct error *err)
{
    char more[300] = "";

    if (status == CUDNN_STATUS_SUCCESS)
        return 0;
    if (gpu_state(what, err) < 0)
        return gpu_state(what, err);
    if (status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED ||
        status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED)
        return full(what, 0, err);
    cudnnGetLastErrorString(more, sizeof more);
    return error_set(err, E_DEVICE, "cuDNN: %s: %s%s%s; %s", what,
                     cudnnGetErrorString(status), more[0] != '\0' ? ": " : "", more,
                     broken);
}

int gpu_blas(cublasStatus_t status, const char *what, struct error *err)
{
    if (status == CUBLAS_STATUS_SUCCESS)
        return 0;
    if (gpu_state(what, err) < 0)
        return gpu_state(what, err);
    if (status == CUBLAS_STATUS_ALLOC_FAILED)
        return full(what, 0, err);
    return error_set(err, E_DEVICE, "cuBLAS: %s: %s; %s", what,
                     cublasGetStatusString(status), broken);
}

/* ---- which GPUs there are -----------------------------------------------------------
 */

/* The compute capabilities that the kernels were built for, "80 90": in ascending order;
 * code for the last also serves newer GPUs. Not defined: any. */
#ifndef LARDER_CUDA_BUILT
#define LARDER_CUDA_BUILT "0"
#endif

/* Code for 8.0 runs on 8.6, and that for 9.0 on no 8.9. */
static bool has_code(int major, int minor)
{
    const char *at = LARDER_CUDA_BUILT;
    char *end;

    for (long have; (have = strtol(at, &end, 10), end != at); at = end) {
        bool last = *end == '\0';

        if ((have / 10 == major && have % 10 <= minor) ||
            (last && have <= 10 * major + minor))
            return true;
    }
    return false;
}

/* cuDNN 9 is one library a major version; a later minor version has what we call. */
static int check_versions(struct error *err)
{
    size_t have = cudnnGetVersion();

    if (have / 10000 == CUDNN_MAJOR)
        return 0;
    return error_set(err, E_DEVICE,
                     "cuDNN %zu.%zu is installed, cuDNN %d is needed; install that, or "
                     "build Larder anew",
                     have / 10000, have / 100 % 100, CUDNN_MAJOR);
}

static int count(int *n, struct error *err)
{
    *n = 0; /* which a failure leaves as it is */
    return gpu_cuda(cudaGetDeviceCount(n), "counting GPUs", err);
}

/* cuDNN 9.11 was the first without Volta: it would fail in the midst of things. */
enum { CUDNN_WITHOUT_70 = 91100 };

static int check_code(int gpu, struct error *err)
{
    size_t dnn = cudnnGetVersion();
    int major = 0, minor = 0;
    int rc =
        gpu_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, gpu),
                 "looking at the GPU", err);

    if (rc == 0)
        rc = gpu_cuda(
            cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, gpu),
            "looking at the GPU", err);
    if (rc == 0 && 10 * major + minor < 75 && dnn >= CUDNN_WITHOUT_70)
        return error_set(err, E_DEVICE,
                         "its compute capability is %d.%d, which cuDNN %zu.%zu no longer "
                         "serves; install cuDNN 9.10",
                         major, minor, dnn / 10000, dnn / 100 % 100);
    if (rc < 0 || has_code(major, minor))
        return rc;
    return error_set(err, E_DEVICE,
                     "its compute capability is %d.%d, and this build has code for "
                     "%s; build Larder with LARDER_CUDA_ARCHITECTURES=%d%d",
                     major, minor, LARDER_CUDA_BUILT, major, minor);
}

int gpu_start(int gpu, struct error *err)
{
    int n, rc = count(&n, err);

    if (rc < 0)
        return rc;
    if (gpu >= n)
        return error_set(err, E_DEVICE,
                         "there %s %d GPU%s here, counted from 0; `larder doctor` lists "
                         "them",
                         n == 1 ? "is" : "are", n, n == 1 ? "" : "s");
    chosen = gpu;
    rc = check_versions(err);
    return rc < 0 ? rc : check_code(gpu, err);
}

static void describe_gpu(FILE *to, int gpu)
{
    struct cudaDeviceProp p;
    struct error err = { 0 };

    if (gpu_cuda(cudaGetDeviceProperties(&p, gpu), "looking at the GPU", &err) < 0 ||
        check_code(gpu, &err) < 0)
        fprintf(to, "note\tGPU %d\t%s\n", gpu, err.text);
    else
        fprintf(to, "fine\tGPU %d\t%s, %.1f GiB, compute capability %d.%d\n", gpu, p.name,
                (double)p.totalGlobalMem / (1 << 30), p.major, p.minor);
}

int gpu_describe(FILE *to, struct error *err)
{
    int driver = 0, runtime = 0, n, rc = check_versions(err);
    size_t dnn = cudnnGetVersion();

    if (rc == 0)
        rc = gpu_cuda(cudaDriverGetVersion(&driver), "asking the driver", err);
    if (rc == 0)
        rc = gpu_cuda(cudaRuntimeGetVersion(&runtime), "asking CUDA", err);
    if (rc == 0)
        rc = count(&n, err);
    if (rc < 0)
        return rc;
    fprintf(to, "fine\tGPU code\tCUDA %d.%d (the driver's: %d.%d), cuDNN %zu.%zu.%zu\n",
            runtime / 1000, runtime / 10 % 100, driver / 1000, driver / 10 % 100,
            dnn / 10000, dnn / 100 % 100, dnn % 100);
    for (int gpu = 0; gpu < n; gpu++)
        describe_gpu(to, gpu);
    return 0;
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
        rc = gpu_take(&d->blas_work, BLAS_WORK, "taking memory", err);
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
        rc = gpu_take(&d->work, kernel_norm_work(), "taking memory", err);
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
    gpu_give(dev->work, kernel_norm_work());
    if (dev->blas != NULL)
        cublasDestroy(dev->blas);
    if (dev->dnn != NULL)
        cudnnDestroy(dev->dnn);
    gpu_give(dev->blas_work, BLAS_WORK);
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
