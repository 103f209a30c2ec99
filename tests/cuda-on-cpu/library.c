#include "library.h"

cublasStatus_t library_blas(cudaError_t e)
{
    switch (e) {
    case cudaSuccess:
        return CUBLAS_STATUS_SUCCESS;
    case cudaErrorMemoryAllocation:
        return CUBLAS_STATUS_ALLOC_FAILED;
    case cudaErrorNotSupported:
        return CUBLAS_STATUS_NOT_SUPPORTED;
    case cudaErrorUnknown:
        return CUBLAS_STATUS_INTERNAL_ERROR;
    default:
        return CUBLAS_STATUS_EXECUTION_FAILED;
    }
}

cudnnStatus_t library_dnn(cudaError_t e)
{
    switch (e) {
    case cudaSuccess:
        return CUDNN_STATUS_SUCCESS;
    case cudaErrorMemoryAllocation:
        return CUDNN_STATUS_ALLOC_FAILED;
    case cudaErrorNotSupported:
        return CUDNN_STATUS_NOT_SUPPORTED;
    case cudaErrorUnknown:
        return CUDNN_STATUS_INTERNAL_ERROR;
    default:
        return CUDNN_STATUS_EXECUTION_FAILED;
    }
}
