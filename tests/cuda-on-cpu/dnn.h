/*
 * dnn - what the parts of the double's cuDNN know of each other.
 */
#ifndef CUDA_ON_CPU_DNN_H
#define CUDA_ON_CPU_DNN_H

#include <cudnn.h>
#include <stdbool.h>
#include <stddef.h>

#include "call.h"

struct cudnnContext {
    int device;
    cudaStream_t stream;
};

/* n x c x h x w, with the strides of each. */
struct cudnnTensorStruct {
    cudnnDataType_t type;
    int dim[4], stride[4];
    bool set;
};

/* k x c x r x s; format: how they lie. */
struct cudnnFilterStruct {
    cudnnDataType_t type;
    cudnnTensorFormat_t format;
    int dim[4];
    bool set;
};

struct cudnnConvolutionStruct {
    int pad[2], stride[2], dilation[2], groups;
    cudnnConvolutionMode_t mode;
    cudnnDataType_t type;
    cudnnMathType_t math;
    bool set;
};

/* The call's name, its lock, and what it is to fail with. */
cudnnStatus_t dnn_enter(enum call_kind kind, const char *name);
cudnnStatus_t dnn_leave(cudnnStatus_t s);
/* Leaves with an error and the words for cudnnGetLastErrorString(). */
cudnnStatus_t dnn_refuse(cudnnStatus_t s, const char *why);

/* The values that a descriptor spans, in bytes. */
size_t dnn_tensor_size(const struct cudnnTensorStruct *t);
size_t dnn_filter_size(const struct cudnnFilterStruct *w);

enum dnn_pass { DNN_FORWARD, DNN_DATA, DNN_FILTER, DNN_PASSES };

/* One convolution: x, w and y are read or written as the pass has it. */
struct dnn_conv {
    struct cudnnTensorStruct xd, yd;
    struct cudnnFilterStruct wd;
    struct cudnnConvolutionStruct cd;
    enum dnn_pass pass;
    int algorithm;
    const float *x, *w, *y;
    float *to; /* y, x or w */
    float alpha, beta;
    void *work;
    size_t n_work;
    bool coarse, unsteady; /* rounded to TF32; of other last bits each time */
};

/* CUDNN_STATUS_SUCCESS when the descriptors belong together; *why otherwise. */
cudnnStatus_t dnn_fits(const struct dnn_conv *c, const char **why);
/* Whether both are packed with channels last; false: packed with columns last. Neither:
 * NOT_SUPPORTED. */
cudnnStatus_t dnn_layout(const struct dnn_conv *c, bool *channels_last);
/* Whether the pass has this algorithm for the shapes, and its workspace. */
cudnnStatus_t dnn_workspace(const struct dnn_conv *c, size_t *size);
/* Whether the algorithm gives other bits each time. */
bool dnn_unsteady(enum dnn_pass pass, int algorithm);

/* Computes it; the payload of a deed. */
void dnn_run(void *payload);

#endif
