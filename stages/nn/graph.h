/*
 * graph - a network as a list of operators, each reading what the one before it gave.
 *
 * A graph is numbers and names only: no memory for pictures, no backend. It is built by
 * small functions (nn/alexnet.h), by name through nn/arch.h. Parameters are called
 * `OPERATOR.weight` and `OPERATOR.bias` by torchvision's module names, and have PyTorch's
 * layouts: out x in x kernel x kernel, out x in. A tap is a name for the output of an
 * operator, for programs that look inside a network.
 */
#ifndef NN_GRAPH_H
#define NN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

struct tensors;

enum graph_kind {
    GRAPH_NORMALISE, /* (x - mean) / std, a channel each */
    GRAPH_CONV,      /* with bias */
    GRAPH_RELU,
    GRAPH_MAXPOOL,
    GRAPH_FLATTEN, /* channel by channel: (c, y, x) */
    GRAPH_LINEAR,  /* with bias */
};

/* How the weights of an operator start (nn/init.h). */
enum graph_init {
    INIT_UNIFORM, /* weight and bias U(-1/sqrt(fan in), 1/sqrt(fan in)): PyTorch's default
                   */
    INIT_HE,      /* weight N(0, sqrt(2 / fan in)), bias 0 */
    INIT_NORMAL,  /* weight N(0, init_std), bias 0 */
};

enum { GRAPH_NAME = 32, GRAPH_CHANNELS = 4 };

struct graph_op {
    enum graph_kind kind;
    char name[GRAPH_NAME]; /* torchvision's module name: "features.0" */
    char tap[GRAPH_NAME];  /* "conv1", or "" */
    int C, H, W;           /* of the output; after flatten C, 1, 1 */
    int kernel, stride, pad;
    bool ceil_mode;                                  /* of maxpool */
    float mean[GRAPH_CHANNELS], std[GRAPH_CHANNELS]; /* of normalise */
    enum graph_init init;
    double init_std;
};

struct graph {
    char name[GRAPH_NAME];
    int C, H, W; /* of a picture */
    int classes; /* values out of the last operator */
    struct graph_op *op;
    size_t n_ops, cap;
};

struct graph *graph_new(const char *name, int C, int H, int W); /* new: graph_free() */
void graph_free(struct graph *g);                               /* NULL is fine */

/* Each adds an operator and returns it, borrowed until the next one is added. */
struct graph_op *graph_normalise(struct graph *g, const float *mean, const float *std);
struct graph_op *graph_conv(struct graph *g, const char *name, int out, int kernel,
                            int stride, int pad);
struct graph_op *graph_relu(struct graph *g, const char *name, const char *tap);
struct graph_op *graph_maxpool(struct graph *g, const char *name, int kernel, int stride,
                               int pad, bool ceil_mode);
struct graph_op *graph_flatten(struct graph *g, const char *name);
struct graph_op *graph_linear(struct graph *g, const char *name, int out);

/* The operator whose output has this tap name, borrowed, or NULL. */
const struct graph_op *graph_tap(const struct graph *g, const char *tap);
/* The shape that operator i reads. */
void graph_input(const struct graph *g, size_t i, int *C, int *H, int *W);
bool graph_has_parameters(const struct graph_op *op);

long graph_parameters(const struct graph *g);      /* how many values */
long graph_multiplications(const struct graph *g); /* multiply-adds for one picture */
/* Fills an empty *t with zeroed tensors: every parameter, in the order of the operators,
 * the weight before the bias. */
void graph_tensors(const struct graph *g, struct tensors *t);

#endif
