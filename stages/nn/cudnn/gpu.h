/*
 * gpu - what the operators of the plug-in share: the device, and how its failures are
 * told. All devices of a process queue on the same stream of one GPU, so that calls
 * happen in the order in which they were made, whatever lane made them.
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
    void *work; /* device memory: what kernel_norm() needs */
};

int gpu_start(int gpu, struct error *err);
int gpu_open(struct nn_device **dev, int index, struct error *err);
void gpu_close(struct nn_device *dev);
void gpu_platform(char *text, size_t n);

/* Makes the device that of the calling thread. */
int gpu_enter(const struct nn_device *dev, struct error *err);

/* 0, or E_DEVICE with what was tried and the library's own words. */
int gpu_cuda(cudaError_t status, const char *what, struct error *err);
int gpu_dnn(cudnnStatus_t status, const char *what, struct error *err);
int gpu_blas(cublasStatus_t status, const char *what, struct error *err);

#endif
