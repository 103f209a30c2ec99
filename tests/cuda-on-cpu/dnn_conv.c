/* cuDNN: the calls of a convolution, what they refuse, and what they queue. */
#include "dnn.h"
#include "handle.h"
#include "library.h"
#include "memory.h"
#include "stream.h"
#include "told.h"

static bool is_packed(const struct cudnnTensorStruct *t, bool channels_last)
{
    const int *d = t->dim;
    int c = channels_last ? 1 : d[2] * d[3], h = channels_last ? d[3] * d[1] : d[3];
    int w = channels_last ? d[1] : 1, n = d[1] * d[2] * d[3];

    return t->stride[0] == n && (d[1] == 1 || t->stride[1] == c) &&
           (d[2] == 1 || t->stride[2] == h) && (d[3] == 1 || t->stride[3] == w);
}

cudnnStatus_t dnn_layout(const struct dnn_conv *c, bool *channels_last)
{
    *channels_last = c->wd.format == CUDNN_TENSOR_NHWC;
    return is_packed(&c->xd, *channels_last) && is_packed(&c->yd, *channels_last)
               ? CUDNN_STATUS_SUCCESS
               : CUDNN_STATUS_NOT_SUPPORTED;
}

static bool size_fits(const struct dnn_conv *c, int i)
{
    int reach = (c->wd.dim[2 + i] - 1) * c->cd.dilation[i] + 1;
    int room = c->xd.dim[2 + i] + 2 * c->cd.pad[i] - reach;

    return room >= 0 && c->yd.dim[2 + i] == room / c->cd.stride[i] + 1;
}

cudnnStatus_t dnn_fits(const struct dnn_conv *c, const char **why)
{
    *why = "a descriptor was never set";
    if (!c->xd.set || !c->yd.set || !c->wd.set || !c->cd.set)
        return CUDNN_STATUS_BAD_PARAM;
    *why = "the sizes of x, w and y do not match";
    if (c->xd.dim[0] != c->yd.dim[0] || c->yd.dim[1] != c->wd.dim[0] ||
        c->xd.dim[1] != c->wd.dim[1] * c->cd.groups || c->wd.dim[0] % c->cd.groups != 0 ||
        !size_fits(c, 0) || !size_fits(c, 1))
        return CUDNN_STATUS_BAD_PARAM;
    *why = "the double has float only";
    if (c->xd.type != CUDNN_DATA_FLOAT || c->yd.type != CUDNN_DATA_FLOAT ||
        c->wd.type != CUDNN_DATA_FLOAT || c->cd.type != CUDNN_DATA_FLOAT)
        return CUDNN_STATUS_NOT_SUPPORTED;
    return CUDNN_STATUS_SUCCESS;
}

static bool meet(const void *a, size_t n, const void *b, size_t m)
{
    return n > 0 && m > 0 && (const char *)a < (const char *)b + m &&
           (const char *)b < (const char *)a + n;
}

/* Memory of the call: what it reads, what it writes, where it works. None may overlap. */
static struct deed *touching(const struct dnn_conv *c)
{
    size_t x = dnn_tensor_size(&c->xd), y = dnn_tensor_size(&c->yd);
    const void *at[] = { c->x, c->w, c->y, c->work };
    size_t n[] = { x, dnn_filter_size(&c->wd), y, c->n_work };
    const char *const what[] = { "x", "the filter", "y", "the workspace" };
    struct deed *d = deed_new(dnn_run, c, sizeof *c);

    for (int i = 0; i < 4; i++)
        deed_touches(d, at[i], n[i], what[i]);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            if (meet(at[i], n[i], at[k], n[k]) &&
                (i == 3 || at[i] == c->to || at[k] == c->to))
                told_stop("%s: %s overlaps %s", call_name(), what[i], what[k]);
    return d;
}

static cudnnStatus_t queue(cudnnHandle_t h, struct dnn_conv *c, const void *alpha,
                           const void *beta)
{
    size_t needed = 0;
    const char *why;
    cudnnStatus_t s = dnn_fits(c, &why);

    if (s != CUDNN_STATUS_SUCCESS)
        return dnn_refuse(s, why);
    s = dnn_workspace(c, &needed);
    if (s != CUDNN_STATUS_SUCCESS)
        return dnn_refuse(s, "no such algorithm for these shapes");
    if (alpha == NULL || beta == NULL || c->x == NULL || c->w == NULL || c->y == NULL)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "a pointer is NULL");
    if (c->n_work < needed || (needed > 0 && c->work == NULL))
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "the workspace is too small");
    if (h->device != call_device())
        told_stop("%s: the handle is of device %d, the current device is %d", call_name(),
                  h->device, call_device());
    memory_check_host(alpha, "alpha");
    memory_check_host(beta, "beta");
    c->alpha = *(const float *)alpha;
    c->beta = *(const float *)beta;
    if (c->work == NULL)
        c->n_work = 0;
    c->coarse = c->cd.math != CUDNN_FMA_MATH;
    c->unsteady = dnn_unsteady(c->pass, c->algorithm);
    return dnn_leave(library_dnn(stream_add(stream_of(h->stream), touching(c))));
}

static cudnnStatus_t enter(const char *name, cudnnHandle_t h, cudnnTensorDescriptor_t x,
                           cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t conv,
                           cudnnTensorDescriptor_t y)
{
    cudnnStatus_t s = dnn_enter(CALL_WORK, name);

    handle_check(HANDLE_DNN, h);
    handle_check(HANDLE_TENSOR, x);
    handle_check(HANDLE_FILTER, w);
    handle_check(HANDLE_CONVOLUTION, conv);
    handle_check(HANDLE_TENSOR, y);
    return s;
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t h, const void *alpha,
                                      const cudnnTensorDescriptor_t xd, const void *x,
                                      const cudnnFilterDescriptor_t wd, const void *w,
                                      const cudnnConvolutionDescriptor_t conv,
                                      cudnnConvolutionFwdAlgo_t algorithm, void *work,
                                      size_t n_work, const void *beta,
                                      const cudnnTensorDescriptor_t yd, void *y)
{
    cudnnStatus_t s = enter("cudnnConvolutionForward", h, xd, wd, conv, yd);
    struct dnn_conv c = { .xd = *xd,
                          .wd = *wd,
                          .cd = *conv,
                          .yd = *yd,
                          .x = x,
                          .w = w,
                          .y = y,
                          .to = y,
                          .work = work,
                          .n_work = n_work,
                          .pass = DNN_FORWARD,
                          .algorithm = (int)algorithm };

    return s != CUDNN_STATUS_SUCCESS ? dnn_leave(s) : queue(h, &c, alpha, beta);
}

cudnnStatus_t cudnnConvolutionBackwardData(
    cudnnHandle_t h, const void *alpha, const cudnnFilterDescriptor_t wd, const void *w,
    const cudnnTensorDescriptor_t yd, const void *dy,
    const cudnnConvolutionDescriptor_t conv, cudnnConvolutionBwdDataAlgo_t algorithm,
    void *work, size_t n_work, const void *beta, const cudnnTensorDescriptor_t xd,
    void *dx)
{
    cudnnStatus_t s = enter("cudnnConvolutionBackwardData", h, xd, wd, conv, yd);
    struct dnn_conv c = { .xd = *xd,
                          .wd = *wd,
                          .cd = *conv,
                          .yd = *yd,
                          .x = dx,
                          .w = w,
                          .y = dy,
                          .to = dx,
                          .work = work,
                          .n_work = n_work,
                          .pass = DNN_DATA,
                          .algorithm = (int)algorithm };

    return s != CUDNN_STATUS_SUCCESS ? dnn_leave(s) : queue(h, &c, alpha, beta);
}

cudnnStatus_t cudnnConvolutionBackwardFilter(
    cudnnHandle_t h, const void *alpha, const cudnnTensorDescriptor_t xd, const void *x,
    const cudnnTensorDescriptor_t yd, const void *dy,
    const cudnnConvolutionDescriptor_t conv, cudnnConvolutionBwdFilterAlgo_t algorithm,
    void *work, size_t n_work, const void *beta, const cudnnFilterDescriptor_t wd,
    void *dw)
{
    cudnnStatus_t s = enter("cudnnConvolutionBackwardFilter", h, xd, wd, conv, yd);
    struct dnn_conv c = { .xd = *xd,
                          .wd = *wd,
                          .cd = *conv,
                          .yd = *yd,
                          .x = x,
                          .w = dw,
                          .y = dy,
                          .to = dw,
                          .work = work,
                          .n_work = n_work,
                          .pass = DNN_FILTER,
                          .algorithm = (int)algorithm };

    return s != CUDNN_STATUS_SUCCESS ? dnn_leave(s) : queue(h, &c, alpha, beta);
}
