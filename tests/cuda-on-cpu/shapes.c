/* The sizes that we compute and those of the double beside the real cuDNN's, which tells
 * them without a GPU, for shapes by counter: also shapes that it refuses. 77: there is no
 * cuDNN here. */
#include <cudnn.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "nn/graph.h"

enum { SHAPES = 20000 };

#define CALLS(X)                                                                       \
    X(cudnnCreateTensorDescriptor)                                                     \
    X(cudnnCreateFilterDescriptor)                                                     \
    X(cudnnCreateConvolutionDescriptor)                                                \
    X(cudnnCreatePoolingDescriptor)                                                    \
    X(cudnnDestroyTensorDescriptor)                                                    \
    X(cudnnDestroyFilterDescriptor)                                                    \
    X(cudnnDestroyConvolutionDescriptor)                                               \
    X(cudnnDestroyPoolingDescriptor)                                                   \
    X(cudnnSetTensor4dDescriptor)                                                      \
    X(cudnnSetFilter4dDescriptor)                                                      \
    X(cudnnSetConvolution2dDescriptor)                                                 \
    X(cudnnSetConvolutionGroupCount)                                                   \
    X(cudnnGetConvolution2dForwardOutputDim)                                           \
    X(cudnnSetPooling2dDescriptor)                                                     \
    X(cudnnGetPooling2dForwardOutputDim)                                               \
    X(cudnnGetTensor4dDescriptor)

/* One of the two libraries. */
struct library {
#define MEMBER(name) __typeof__(&name) name;
    CALLS(MEMBER)
};

/* A shape, and what a library says of it. */
struct shape {
    int n, c, h, w, k, r, s, pad[2], stride[2], dilation[2], groups, nhwc;
};

struct answer {
    int status[8], size[12];
};

static const struct library ours = {
#define OURS(name) .name = name,
    CALLS(OURS)
};

static uint32_t draw(uint32_t n)
{
    static uint32_t state = 1;

    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

/* From least on, n of them; now and then one that is too small. */
static int size(int least, int n)
{
    return draw(40) == 0 ? least - 1 - (int)draw(2) : least + (int)draw((uint32_t)n);
}

static struct shape shape_drawn(void)
{
    struct shape s = { .n = size(1, 4), .c = size(1, 12), .h = size(1, 40),
                       .w = size(1, 40), .k = size(1, 12), .r = size(1, 11),
                       .s = size(1, 11), .pad = { size(0, 6), size(0, 6) },
                       .stride = { size(1, 5), size(1, 5) }, .dilation = { 1, 1 },
                       .groups = 1, .nhwc = draw(2) == 0 };

    if (draw(3) == 0)
        s.dilation[0] = size(1, 4);
    if (draw(3) == 0)
        s.dilation[1] = size(1, 4);
    if (draw(5) == 0)
        s.groups = size(1, 4);
    return s;
}

static void ask(const struct library *l, const struct shape *s, struct answer *a)
{
    cudnnTensorFormat_t f = s->nhwc ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW;
    int channels = s->groups > 0 ? s->c / s->groups : s->c;
    cudnnTensorDescriptor_t x;
    cudnnFilterDescriptor_t w;
    cudnnConvolutionDescriptor_t conv;
    cudnnPoolingDescriptor_t pool;
    cudnnDataType_t type;
    int *z = a->size, none;

    l->cudnnCreateTensorDescriptor(&x);
    l->cudnnCreateFilterDescriptor(&w);
    l->cudnnCreateConvolutionDescriptor(&conv);
    l->cudnnCreatePoolingDescriptor(&pool);
    a->status[0] = l->cudnnSetTensor4dDescriptor(x, f, CUDNN_DATA_FLOAT, s->n, s->c, s->h,
                                                 s->w);
    a->status[1] = l->cudnnSetFilter4dDescriptor(w, CUDNN_DATA_FLOAT, f, s->k, channels,
                                                 s->r, s->s);
    a->status[2] = l->cudnnSetConvolution2dDescriptor(
        conv, s->pad[0], s->pad[1], s->stride[0], s->stride[1], s->dilation[0],
        s->dilation[1], CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    a->status[3] = l->cudnnSetPooling2dDescriptor(
        pool, CUDNN_POOLING_MAX_DETERMINISTIC, CUDNN_PROPAGATE_NAN, s->r, s->s, s->pad[0],
        s->pad[1], s->stride[0], s->stride[1]);
    if (a->status[2] == CUDNN_STATUS_SUCCESS)
        a->status[4] = l->cudnnSetConvolutionGroupCount(conv, s->groups);
    if (a->status[0] == CUDNN_STATUS_SUCCESS && a->status[1] == CUDNN_STATUS_SUCCESS &&
        a->status[2] == CUDNN_STATUS_SUCCESS && a->status[4] == CUDNN_STATUS_SUCCESS)
        a->status[5] = l->cudnnGetConvolution2dForwardOutputDim(conv, x, w, &z[0], &z[1],
                                                                &z[2], &z[3]);
    if (a->status[0] == CUDNN_STATUS_SUCCESS && a->status[3] == CUDNN_STATUS_SUCCESS)
        a->status[6] = l->cudnnGetPooling2dForwardOutputDim(pool, x, &z[4], &z[5], &z[6],
                                                            &z[7]);
    if (a->status[0] == CUDNN_STATUS_SUCCESS)
        a->status[7] = l->cudnnGetTensor4dDescriptor(x, &type, &none, &none, &none, &none,
                                                     &z[8], &z[9], &z[10], &z[11]);
    l->cudnnDestroyPoolingDescriptor(pool);
    l->cudnnDestroyConvolutionDescriptor(conv);
    l->cudnnDestroyFilterDescriptor(w);
    l->cudnnDestroyTensorDescriptor(x);
}

static int load(struct library *l)
{
    void *from = dlopen("libcudnn.so.9", RTLD_NOW | RTLD_LOCAL);

    if (from == NULL)
        from = dlopen(CUDNN_PATH, RTLD_NOW | RTLD_LOCAL);
    if (from == NULL)
        return -1;
#define LOAD(name) \
    *(void **)&l->name = dlsym(from, #name);
    CALLS(LOAD)
    return 0;
}

static void tell(const struct shape *s, const char *what, int a, int b)
{
    printf("%s: %d, in cuDNN %d, for x %d x %d x %d x %d, k %d, %d x %d, pad %d %d, "
           "stride %d %d, dilation %d %d, groups %d, %s\n",
           what, a, b, s->n, s->c, s->h, s->w, s->k, s->r, s->s, s->pad[0], s->pad[1],
           s->stride[0], s->stride[1], s->dilation[0], s->dilation[1], s->groups,
           s->nhwc ? "NHWC" : "NCHW");
}

static int compare(const struct shape *s, const struct answer *a, const struct answer *b)
{
    static const char *const calls[8] = { "tensor", "filter", "convolution", "pooling",
                                          "groups", "convolved", "pooled", "strides" };
    int bad = 0;

    for (int i = 0; i < 8 && !bad; i++) {
        if (a->status[i] != b->status[i])
            tell(s, calls[i], a->status[i], b->status[i]);
        bad = a->status[i] != b->status[i];
    }
    for (int i = 0; i < 12 && !bad; i++) {
        if (a->size[i] != b->size[i])
            tell(s, "a size", a->size[i], b->size[i]);
        bad = a->size[i] != b->size[i];
    }
    return bad;
}

/* What stages/nn/graph.c says, for what it has: squares, and shapes that fit. */
static int compare_graph(const struct shape *s, const struct answer *b)
{
    int reach = s->dilation[0] * (s->r - 1) + 1, bad = 0;
    struct graph *g;
    const struct graph_op *op;

    if (s->r != s->s || s->pad[0] != s->pad[1] || s->stride[0] != s->stride[1] ||
        s->dilation[0] != s->dilation[1] || s->groups != 1 || s->pad[0] < 0 ||
        b->size[1] < 1 || b->size[5] < 1 ||
        b->status[5] != CUDNN_STATUS_SUCCESS || b->status[6] != CUDNN_STATUS_SUCCESS ||
        s->h + 2 * s->pad[0] < reach || s->w + 2 * s->pad[0] < reach ||
        s->pad[0] > s->r / 2)
        return 0;
    g = graph_new("shapes", s->c, s->h, s->w);
    op = graph_conv_dilated(g, "conv", s->k, s->r, s->stride[0], s->pad[0], s->dilation[0]);
    bad = op->C != b->size[1] || op->H != b->size[2] || op->W != b->size[3];
    if (bad)
        tell(s, "our convolution's size", op->H, b->size[2]);
    graph_read(g, GRAPH_PICTURES);
    op = graph_maxpool(g, "pool", s->r, s->stride[0], s->pad[0], false);
    if (op->H != b->size[6] || op->W != b->size[7])
        tell(s, "our pooling's size", op->H, b->size[6]);
    bad |= op->H != b->size[6] || op->W != b->size[7];
    graph_free(g);
    return bad ? 1 : 2;
}

int main(void)
{
    int bad = 0, of_graph = 0, graph;
    struct library real;

    if (load(&real) < 0) {
        printf("skipped: %s\n", dlerror());
        return 77;
    }
    for (int i = 0; i < SHAPES && bad < 10; i++) {
        struct shape s = shape_drawn();
        struct answer a = { { 0 }, { 0 } }, b = { { 0 }, { 0 } };
        if (i % 4 == 0) { /* what a graph has */
            s.s = s.r;
            s.pad[1] = s.pad[0];
            s.stride[1] = s.stride[0];
            s.dilation[1] = s.dilation[0];
            s.groups = 1;
        }
        ask(&ours, &s, &a);
        ask(&real, &s, &b);
        for (int k = 0; k < 8; k++) /* what is refused has no size */
            if ((k < 4 && b.status[5] != 0) || (k >= 4 && b.status[6] != 0))
                a.size[k] = b.size[k] = 0;
        bad += compare(&s, &a, &b);
        graph = compare_graph(&s, &b);
        bad += graph == 1;
        of_graph += graph == 2;
    }
    printf("%d shapes, %d of them ours too; %d differ\n", SHAPES, of_graph, bad);
    return bad > 0;
}
