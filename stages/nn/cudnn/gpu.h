/*
 * gpu - what the operators of the plug-in share: the device, and how its failures are
 * told. All devices of a process are the same GPU and queue on one stream (queue.h).
 */
#ifndef NN_CUDNN_GPU_H
#define NN_CUDNN_GPU_H

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include "nn/backend.h"

struct nn_device {
    int gpu;
    cudnnHandle_t dnn;
    cublasHandle_t blas;
    bool tf32;       /* what cuBLAS was told last */
    bool queues;     /* queue_open() was called */
    void *work;      /* device memory: what kernel_norm() needs, */
    void *blas_work; /* and cuBLAS, which would take its own */
};

int gpu_start(int gpu, struct error *err);
int gpu_open(struct nn_device **dev, int index, struct error *err);
void gpu_close(struct nn_device *dev);
void gpu_platform(char *text, size_t n);

/* Makes the device that of the calling thread. */
int gpu_enter(const struct nn_device *dev, struct error *err);

/* From here on cuBLAS's products are float32, or may be TF32. */
int gpu_products(struct nn_device *dev, bool tf32, struct error *err);

/* 0, or E_DEVICE with what was tried and the library's own words. */
int gpu_cuda(cudaError_t status, const char *what, struct error *err);
int gpu_dnn(cudnnStatus_t status, const char *what, struct error *err);
int gpu_blas(cublasStatus_t status, const char *what, struct error *err);

#endif
