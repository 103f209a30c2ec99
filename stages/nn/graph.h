/*
 * graph - a network as a list of operators, each reading what earlier ones gave.
 *
 * A graph is numbers and names only: no memory for pictures, no backend. It is built by
 * small functions (nn/alexnet.h), by name through nn/arch.h. Parameters are called
 * `OPERATOR.weight` and `OPERATOR.bias` by torchvision's module names, and have PyTorch's
 * layouts: out x in x kernel x kernel, out x in. A batch norm has buffers too:
 * `running_mean`, `running_var`, `num_batches_tracked`. A tap is a name for the output of
 * an operator, for programs that look inside a network.
 *
 * An operator reads the one that was added before it, unless graph_read() has named
 * another. The last one gives the logits.
 */
#ifndef NN_GRAPH_H
#define NN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

struct tensors;

enum graph_kind {
    GRAPH_NORMALISE, /* (x - mean) / std, a channel each */
    GRAPH_CONV,
    GRAPH_RELU,
    GRAPH_MAXPOOL,
    GRAPH_FLATTEN, /* channel by channel: (c, y, x) */
    GRAPH_LINEAR,  /* with bias */
    GRAPH_BATCHNORM,
    GRAPH_AVGPOOL, /* adaptive: means over windows that may overlap */
    GRAPH_DROPOUT, /* in training only */
    GRAPH_CONCAT,  /* of channels */
    GRAPH_ADD,
    GRAPH_REFLECT,  /* padding: the picture mirrored, its edge not repeated */
    GRAPH_UPSAMPLE, /* each pixel becomes a square of so many */
    GRAPH_GRAM, /* products of channels: y[i C + j] = mean over the pixels of x_i x_j */
};

/* How the weights of an operator start (nn/init.h). */
enum graph_init {
    INIT_UNIFORM, /* weight and bias U(-1/sqrt(fan in), 1/sqrt(fan in)): PyTorch's default
                   */
    INIT_HE,      /* weight N(0, sqrt(2 / fan in)), bias 0 */
    INIT_NORMAL,  /* weight N(0, init_std), bias 0 */
    INIT_HE_OUT,  /* weight N(0, sqrt(2 / fan out)), bias 0; fan out: kernel^2 out */
    INIT_TRUNCATED, /* weight init_std times N(0, 1) cut to [-2, 2]; bias as in
                       INIT_UNIFORM */
    INIT_ZERO,      /* of a batch norm: weight 0 in place of 1 */
};

enum {
    GRAPH_NAME = 40,
    GRAPH_CHANNELS = 4,
    GRAPH_INPUTS = 4,
    GRAPH_AUX = 2,
    GRAPH_OUTPUTS = 8,
    GRAPH_PARAMETER = GRAPH_NAME + 24, /* `OPERATOR.num_batches_tracked` */
    GRAPH_PICTURES = -1 /* in place of an operator: what the net is given */
};

struct graph_op {
    enum graph_kind kind;
    char name[GRAPH_NAME];      /* torchvision's module name: "features.0" */
    char tap[GRAPH_NAME];       /* "conv1", or "" */
    int n_in, in[GRAPH_INPUTS]; /* the operators it reads, or GRAPH_PICTURES */
    int C, H, W;                /* of the output; after flatten C, 1, 1 */
    int kernel, stride, pad, dilation;
    bool ceil_mode;                                  /* of maxpool */
    bool bias;                                       /* of conv and linear */
    float mean[GRAPH_CHANNELS], std[GRAPH_CHANNELS]; /* of normalise */
    double eps;                                      /* of batch norm */
    double drop;                                     /* of dropout: the share */
    enum graph_init init;
    double init_std;
};

struct graph {
    char name[GRAPH_NAME];
    int C, H, W; /* of a picture */
    int classes; /* values out of the last operator, or of each of its pixels */
    int places;  /* 1, or the pixels of the last operator, a label for each */
    struct graph_op *op;
    size_t n_ops, cap;
    int here;           /* what the next operator reads */
    int aux[GRAPH_AUX]; /* operators that give logits too, in training */
    int n_aux;
    double aux_weight;         /* of their losses; that of the last operator counts 1 */
    int output[GRAPH_OUTPUTS]; /* see graph_output() */
    int n_outputs;
    bool plain_input; /* a GoogLeNet without transform_input */
};

struct graph *graph_new(const char *name, int C, int H, int W); /* new: graph_free() */
void graph_free(struct graph *g);                               /* NULL is fine */

/* Each adds an operator and returns it, borrowed until the next one is added. */
struct graph_op *graph_normalise(struct graph *g, const float *mean, const float *std);
struct graph_op *graph_conv(struct graph *g, const char *name, int out, int kernel,
                            int stride, int pad); /* with bias, unless taken away */
/* The same with dilation - 1 pixels passed over between cells of the kernel. */
struct graph_op *graph_conv_dilated(struct graph *g, const char *name, int out,
                                    int kernel, int stride, int pad, int dilation);
struct graph_op *graph_relu(struct graph *g, const char *name, const char *tap);
struct graph_op *graph_maxpool(struct graph *g, const char *name, int kernel, int stride,
                               int pad, bool ceil_mode);
struct graph_op *graph_flatten(struct graph *g, const char *name);
struct graph_op *graph_linear(struct graph *g, const char *name, int out);
struct graph_op *graph_batchnorm(struct graph *g, const char *name, double eps);
struct graph_op *graph_avgpool(struct graph *g, const char *name, int H, int W);
struct graph_op *graph_dropout(struct graph *g, const char *name, double drop);
struct graph_op *graph_reflect(struct graph *g, const char *name, int pad);
struct graph_op *graph_upsample(struct graph *g, const char *name, int factor);
struct graph_op *graph_gram(struct graph *g, const char *name);
/* These read the n (two) operators named. */
struct graph_op *graph_concat(struct graph *g, const char *name, const char *tap,
                              const int *in, int n);
struct graph_op *graph_add(struct graph *g, const char *name, int a, int b);

/* The operator added last, or named by graph_read(): what the next one will read. */
int graph_here(const struct graph *g);
void graph_read(struct graph *g, int op);
/* The operator here gives logits whose loss counts `weight` in training. */
void graph_auxiliary(struct graph *g, double weight);

/* The last operator gives logits for each of its pixels, and each pixel has a label. */
void graph_dense(struct graph *g);
/* The operator here, which no other reads, is an output of a network that has no logits:
 * net_backward_outputs() takes a gradient for each output, in the order of these calls.
 * The last operator must be one. */
void graph_output(struct graph *g);

/* The operator whose output has this tap name, borrowed, or NULL. */
const struct graph_op *graph_tap(const struct graph *g, const char *tap);
/* The shape that operator i reads, the first of several. */
void graph_input(const struct graph *g, size_t i, int *C, int *H, int *W);
bool graph_has_parameters(const struct graph_op *op);
bool graph_has(const struct graph *g, enum graph_kind kind);
/* Sets needed[i] for what the last operator follows from, and with aux the heads too. */
void graph_needed(const struct graph *g, bool aux, bool *needed);

/* Values of a picture, and of its logits. */
size_t graph_picture(const struct graph *g);
size_t graph_logits(const struct graph *g);
long graph_parameters(const struct graph *g);      /* how many values, without buffers */
long graph_multiplications(const struct graph *g); /* multiply-adds for one picture */
/* Fills an empty *t with zeroed tensors: every parameter and buffer, in the order of the
 * operators; the weight, the bias, the buffers. */
void graph_tensors(const struct graph *g, struct tensors *t);
/* The parameters alone. */
void graph_parameter_tensors(const struct graph *g, struct tensors *t);

#endif
