/* cuDNN: handles and descriptors, and the sizes that follow from them. What is refused is
 * what the real library refuses (the test of shapes compares them). */
#include <stdio.h>
#include <string.h>

#include "dnn.h"
#include "handle.h"
#include "library.h"
#include "stream.h"
#include "told.h"

struct cudnnPoolingStruct {
    int window[2], pad[2], stride[2];
    bool set;
};

static __thread char last_words[200];

cudnnStatus_t dnn_enter(enum call_kind kind, const char *name)
{
    return library_dnn(call_enter(kind, name));
}

cudnnStatus_t dnn_leave(cudnnStatus_t s)
{
    call_done();
    return s;
}

cudnnStatus_t dnn_refuse(cudnnStatus_t s, const char *why)
{
    snprintf(last_words, sizeof last_words, "%s: %s", call_name(), why);
    return dnn_leave(s);
}

size_t cudnnGetVersion(void)
{
    return CUDNN_VERSION;
}

const char *cudnnGetErrorString(cudnnStatus_t s)
{
    switch (s) {
    case CUDNN_STATUS_SUCCESS:
        return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
        return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_ALLOC_FAILED:
        return "CUDNN_STATUS_ALLOC_FAILED";
    case CUDNN_STATUS_BAD_PARAM:
        return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
        return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_EXECUTION_FAILED:
        return "CUDNN_STATUS_EXECUTION_FAILED";
    default:
        return "CUDNN_STATUS_INTERNAL_ERROR";
    }
}

void cudnnGetLastErrorString(char *text, size_t n)
{
    snprintf(text, n, "%s", last_words);
    last_words[0] = '\0';
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *h)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnCreate");

    if (s == CUDNN_STATUS_SUCCESS) {
        *h = handle_new(HANDLE_DNN, sizeof **h);
        (*h)->device = call_device();
    }
    return dnn_leave(s);
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t h)
{
    cudnnStatus_t s = dnn_enter(CALL_CLEANUP, "cudnnDestroy");

    if (h != NULL)
        handle_end(HANDLE_DNN, h);
    return dnn_leave(s);
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t h, cudaStream_t stream)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnSetStream");

    handle_check(HANDLE_DNN, h);
    if (s != CUDNN_STATUS_SUCCESS)
        return dnn_leave(s);
    if (stream_of(stream)->device != h->device)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "the stream is of another device");
    h->stream = stream;
    return dnn_leave(s);
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t h, cudaStream_t *stream)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnGetStream");

    handle_check(HANDLE_DNN, h);
    *stream = h->stream;
    return dnn_leave(s);
}

#define CREATE(Name, kind)                                                      \
    cudnnStatus_t cudnnCreate##Name##Descriptor(cudnn##Name##Descriptor_t *d)   \
    {                                                                           \
        cudnnStatus_t s =                                                       \
            dnn_enter(CALL_SETUP, "cudnnCreate" #Name "Descriptor");            \
        if (s == CUDNN_STATUS_SUCCESS)                                          \
            *d = handle_new(kind, sizeof **d);                                  \
        return dnn_leave(s);                                                    \
    }                                                                           \
    cudnnStatus_t cudnnDestroy##Name##Descriptor(cudnn##Name##Descriptor_t d)   \
    {                                                                           \
        cudnnStatus_t s =                                                       \
            dnn_enter(CALL_CLEANUP, "cudnnDestroy" #Name "Descriptor");         \
        if (d != NULL)                                                          \
            handle_end(kind, d);                                                \
        return dnn_leave(s);                                                    \
    }

CREATE(Tensor, HANDLE_TENSOR)
CREATE(Filter, HANDLE_FILTER)
CREATE(Convolution, HANDLE_CONVOLUTION)
CREATE(Pooling, HANDLE_POOLING)

static bool is_type(cudnnDataType_t type)
{
    return (int)type >= 0 && type <= CUDNN_DATA_FAST_FLOAT_FOR_FP8;
}

/* Strides of n x c x h x w that lie as the format says. */
static void pack(const int dim[4], cudnnTensorFormat_t format, int stride[4])
{
    bool last = format == CUDNN_TENSOR_NHWC;

    stride[0] = dim[1] * dim[2] * dim[3];
    stride[1] = last ? 1 : dim[2] * dim[3];
    stride[2] = last ? dim[3] * dim[1] : dim[3];
    stride[3] = last ? dim[1] : 1;
}

static bool above(const int *v, int n, int least)
{
    for (int i = 0; i < n; i++)
        if (v[i] < least)
            return false;
    return true;
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t t,
                                         cudnnTensorFormat_t format, cudnnDataType_t type,
                                         int n, int c, int h, int w)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnSetTensor4dDescriptor");
    const int dim[4] = { n, c, h, w };

    handle_check(HANDLE_TENSOR, t);
    if (s != CUDNN_STATUS_SUCCESS)
        return dnn_leave(s);
    if (!is_type(type) || !above(dim, 4, 1) ||
        (format != CUDNN_TENSOR_NCHW && format != CUDNN_TENSOR_NHWC))
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "a type, a format or a size");
    if ((double)n * c * h * w > 0x7fffffff)
        return dnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, "more than 2 G values");
    t->type = type;
    memcpy(t->dim, dim, sizeof dim);
    pack(dim, format, t->stride);
    t->set = true;
    return dnn_leave(s);
}

cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t t,
                                           cudnnDataType_t type, int n, int c, int h,
                                           int w, int sn, int sc, int sh, int sw)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnSetTensor4dDescriptorEx");
    const int dim[4] = { n, c, h, w }, stride[4] = { sn, sc, sh, sw };

    handle_check(HANDLE_TENSOR, t);
    if (s != CUDNN_STATUS_SUCCESS)
        return dnn_leave(s);
    if (!is_type(type) || !above(dim, 4, 1) || !above(stride, 4, 1))
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "a type, a size or a stride");
    t->type = type;
    memcpy(t->dim, dim, sizeof dim);
    memcpy(t->stride, stride, sizeof stride);
    t->set = true;
    return dnn_leave(s);
}

cudnnStatus_t cudnnGetTensor4dDescriptor(const cudnnTensorDescriptor_t t,
                                         cudnnDataType_t *type, int *n, int *c, int *h,
                                         int *w, int *sn, int *sc, int *sh, int *sw)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnGetTensor4dDescriptor");
    int *to[] = { n, c, h, w, sn, sc, sh, sw };

    handle_check(HANDLE_TENSOR, t);
    *type = t->type;
    for (int i = 0; i < 4; i++) {
        *to[i] = t->dim[i];
        *to[4 + i] = t->stride[i];
    }
    return dnn_leave(s);
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t f, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int r,
                                         int t)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnSetFilter4dDescriptor");
    const int dim[4] = { k, c, r, t };

    handle_check(HANDLE_FILTER, f);
    if (s != CUDNN_STATUS_SUCCESS)
        return dnn_leave(s);
    if (!is_type(type) || !above(dim, 4, 1) ||
        (format != CUDNN_TENSOR_NCHW && format != CUDNN_TENSOR_NHWC))
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "a type, a format or a size");
    f->type = type;
    f->format = format;
    memcpy(f->dim, dim, sizeof dim);
    f->set = true;
    return dnn_leave(s);
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t c, int pad_h,
                                              int pad_w, int u, int v, int dilation_h,
                                              int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t type)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnSetConvolution2dDescriptor");
    const int pad[] = { pad_h, pad_w }, step[] = { u, v, dilation_h, dilation_w };

    handle_check(HANDLE_CONVOLUTION, c);
    if (s != CUDNN_STATUS_SUCCESS)
        return dnn_leave(s);
    if (!above(pad, 2, 0) || !above(step, 4, 1) || !is_type(type) ||
        (mode != CUDNN_CONVOLUTION && mode != CUDNN_CROSS_CORRELATION))
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "a pad, a stride or a dilation");
    *c = (struct cudnnConvolutionStruct){ .pad = { pad_h, pad_w },
                                          .stride = { u, v },
                                          .dilation = { dilation_h, dilation_w },
                                          .groups = 1,
                                          .mode = mode,
                                          .type = type,
                                          .math = CUDNN_DEFAULT_MATH,
                                          .set = true };
    return dnn_leave(s);
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t c,
                                          cudnnMathType_t math)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnSetConvolutionMathType");

    handle_check(HANDLE_CONVOLUTION, c);
    if (s == CUDNN_STATUS_SUCCESS && math > CUDNN_FMA_MATH)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "no such kind of arithmetic");
    if (s == CUDNN_STATUS_SUCCESS)
        c->math = math;
    return dnn_leave(s);
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t c, int groups)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnSetConvolutionGroupCount");

    handle_check(HANDLE_CONVOLUTION, c);
    if (s == CUDNN_STATUS_SUCCESS && groups < 1)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "no group");
    if (s == CUDNN_STATUS_SUCCESS)
        c->groups = groups;
    return dnn_leave(s);
}

/* 0: the kernel is larger than what it is laid over, or was never set. */
static int size_out(int n, int kernel, int pad, int stride, int dilation)
{
    int room = n + 2 * pad - ((kernel - 1) * dilation + 1);

    return room < 0 || stride == 0 ? 0 : 1 + room / stride;
}

cudnnStatus_t cudnnGetConvolution2dForwardOutputDim(const cudnnConvolutionDescriptor_t c,
                                                    const cudnnTensorDescriptor_t x,
                                                    const cudnnFilterDescriptor_t w,
                                                    int *n, int *k, int *p, int *q)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnGetConvolution2dForwardOutputDim");
    int out[2];

    handle_check(HANDLE_CONVOLUTION, c);
    handle_check(HANDLE_TENSOR, x);
    handle_check(HANDLE_FILTER, w);
    if (s != CUDNN_STATUS_SUCCESS)
        return dnn_leave(s);
    if (!c->set || !x->set || !w->set || x->dim[1] != w->dim[1] * c->groups)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "the channels do not match");
    for (int i = 0; i < 2; i++)
        out[i] = size_out(x->dim[2 + i], w->dim[2 + i], c->pad[i], c->stride[i],
                          c->dilation[i]);
    if (!above(out, 2, 1))
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "the filter is larger than x");
    *n = x->dim[0];
    *k = w->dim[0];
    *p = out[0];
    *q = out[1];
    return dnn_leave(s);
}

cudnnStatus_t cudnnSetPooling2dDescriptor(cudnnPoolingDescriptor_t d,
                                          cudnnPoolingMode_t mode,
                                          cudnnNanPropagation_t nan, int window_h,
                                          int window_w, int pad_h, int pad_w, int u,
                                          int v)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnSetPooling2dDescriptor");
    const int window[] = { window_h, window_w, u, v };

    handle_check(HANDLE_POOLING, d);
    if (s != CUDNN_STATUS_SUCCESS)
        return dnn_leave(s);
    if (!above(window, 4, 1) || mode > CUDNN_POOLING_MAX_DETERMINISTIC ||
        nan > CUDNN_PROPAGATE_NAN)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "a window or a stride");
    *d = (struct cudnnPoolingStruct){
        { window_h, window_w }, { pad_h, pad_w }, { u, v }, true
    };
    return dnn_leave(s);
}

/* Rounded down: there is no ceil_mode. */
cudnnStatus_t cudnnGetPooling2dForwardOutputDim(const cudnnPoolingDescriptor_t d,
                                                const cudnnTensorDescriptor_t x, int *n,
                                                int *c, int *p, int *q)
{
    cudnnStatus_t s = dnn_enter(CALL_SETUP, "cudnnGetPooling2dForwardOutputDim");
    int out[2];

    handle_check(HANDLE_POOLING, d);
    handle_check(HANDLE_TENSOR, x);
    if (s != CUDNN_STATUS_SUCCESS)
        return dnn_leave(s);
    for (int i = 0; i < 2; i++)
        out[i] = size_out(x->dim[2 + i], d->window[i], d->pad[i], d->stride[i], 1);
    if (!x->set || !d->set || !above(out, 2, 1))
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "the window is larger than x");
    *n = x->dim[0];
    *c = x->dim[1];
    *p = out[0];
    *q = out[1];
    return dnn_leave(s);
}

size_t dnn_tensor_size(const struct cudnnTensorStruct *t)
{
    size_t last = 0;

    for (int i = 0; i < 4; i++)
        last += (size_t)(t->dim[i] - 1) * (size_t)t->stride[i];
    return (last + 1) * sizeof(float);
}

size_t dnn_filter_size(const struct cudnnFilterStruct *w)
{
    return (size_t)w->dim[0] * w->dim[1] * w->dim[2] * w->dim[3] * sizeof(float);
}
