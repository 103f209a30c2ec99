/*
 * library - what an error of the runtime is in the words of cuBLAS and of cuDNN.
 */
#ifndef CUDA_ON_CPU_LIBRARY_H
#define CUDA_ON_CPU_LIBRARY_H

#include <cublas_v2.h>
#include <cudnn.h>

cublasStatus_t library_blas(cudaError_t e);
cudnnStatus_t library_dnn(cudaError_t e);

#endif
