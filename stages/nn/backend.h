/*
 * backend - where a network is computed: one struct of calls, chosen by name at run time.
 *
 * A device is one engine with one thread of work: each lane of a net has its own. Memory
 * of a device is reached by the host through upload() and download() only. An operator is
 * prepared once for fixed shapes, then run; preparing is slow and may allocate, running
 * is quick and never does. Activations are float, N x H x W x C. A backend keeps weights
 * in a layout of its own: a block of n_weights floats, which the optimiser changes one by
 * one (what pads the block stays zero), then n_derived floats that follow from them
 * (copies in other layouts), which refresh() writes.
 */
#ifndef NN_BACKEND_H
#define NN_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "larder/error.h"

struct draws;
struct ranks;

enum nn_kind {
    NN_NORMALISE,
    NN_CONV,
    NN_RELU,
    NN_MAXPOOL,
    NN_LINEAR,
    NN_BATCHNORM,
    NN_AVGPOOL,
    NN_DROPOUT,
    NN_CONCAT,
    NN_ADD,
    NN_REFLECT,
    NN_UPSAMPLE,
    NN_GRAM,
    NN_KINDS
};

enum { NN_INPUTS = 4 };

struct nn_op_desc {
    enum nn_kind kind;
    int N, C, H, W;          /* x: N x H x W x C. A linear flattens it as (c, y, x) */
    int K, P, Q;             /* y: N x P x Q x K (rows P, columns Q) */
    int kernel, stride, pad; /* pad: of reflect too; stride: the factor of upsample */
    int dilation;            /* of conv: pixels between cells of the kernel; 1: dense */
    bool bias;               /* conv, linear: there is one */
    float mean[4], std[4];   /* of normalise */
    int inputs, channels[NN_INPUTS]; /* concat, add: how many, and C of each */
    double eps;                      /* of batchnorm */
    bool training; /* batchnorm: with the statistics of the batch, not the running ones */
    double drop;   /* of dropout: the share that becomes 0 */
    uint32_t stream;      /* of dropout: of its draws */
    bool relu;            /* y passes a ReLU (conv, linear, batchnorm, add) */
    bool gated;           /* relu: whoever gives dy has already made it 0 where y is 0 */
    bool gate;            /* maxpool: x comes from a ReLU; dx is made 0 where x is 0 */
    bool input_gradient;  /* backward() is asked for dx */
    bool weight_gradient; /* backward() is asked for dw */
    bool
        tf32; /* conv, linear, gram: factors may be rounded to 10 bits (TensorFloat-32) */
};

struct nn_device; /* an engine, or a GPU with its stream */
struct nn_tape;   /* calls that were recorded */
struct nn_args;

/* The first member of every backend's own operators. */
struct nn_op {
    struct nn_op_desc d;
    const char *impl[3]; /* what computes y, dx, dw: names for tests and the curious */
    size_t n_weights, n_derived; /* floats, multiples of 16 */
    size_t n_work;               /* bytes of scratch for one call */
    size_t n_state;              /* bytes kept from a forward pass to its backward pass */
};

/* The device memory of one call, borrowed while it runs. All of it is 64-byte aligned. */
struct nn_args {
    const float *x;
    float *y;
    const float *w; /* n_weights + n_derived */
    float *dy;      /* read and changed */
    float *dx;      /* NULL: not wanted */
    float *dw;      /* n_weights; NULL: not wanted */
    void *work;
    const float *xs[NN_INPUTS]; /* concat, add: all of them; x is the first */
    float *dxs[NN_INPUTS];
    void *state;    /* n_state bytes */
    float *running; /* batchnorm: mean and variance, K values each */
    bool moves;     /* batchnorm in training: running is moved towards this batch */
    int count;      /* pictures that count; those behind them are filling */
    const struct draws *draws; /* dropout: of each picture that counts, */
    const uint64_t *epoch;     /* and part of them; both in device memory */
};

/* Softmax cross-entropy (nn/loss.h) of n pictures, each of so many places, and its
 * gradient. Device memory. */
struct nn_loss {
    const float *logits;  /* n x places x classes */
    const int32_t *label; /* n x places; -1: none, which adds nothing */
    float *loss;          /* n: the mean over the places; `adds`: weight times it more */
    float *dlogits;       /* as the logits, times scale; 0 for pictures n .. room - 1.
                             NULL: not wanted */
    float *work;          /* n x places */
    int n, room, places, classes;
    bool adds;
    float weight, scale;
};

/* What a step of training goes by: in device memory, so that it may be another one
 * wherever the step is the same. */
struct nn_rates {
    float lr, momentum, weight_decay;
    double clip; /* 0: gradients of any length */
};

/* One step of the optimiser over n weights; all pointers are device memory. */
struct nn_update {
    float *w, *v;          /* weights, momentum */
    const float *const *g; /* gradients, one array a lane, summed in their order */
    int lanes;
    const struct nn_rates *rates;
    const double *squares; /* of the length of all gradients together, where clip > 0 */
};

/* How far a step of an attack goes, and how far from where it began; device memory. */
struct nn_reach {
    double step, radius;
};

/* A step of an L2 attack (nn/attack.h) of n pictures of `size` values: along the gradient
 * g, whose length is made `step`, then back into the ball of `radius` round x0 and into
 * 0..1. Device memory. */
struct nn_ascent {
    float *x; /* moved */
    float *g; /* used up; counts as 0 where x is outside 0..1 */
    const float *x0;
    int n;
    size_t size;
    const struct nn_reach *reach;
};

/* The best of the iterates so far, of n pictures: those whose loss is above their best,
 * or all, are copied. Device memory. */
struct nn_keep {
    float *best, *best_loss;
    const float *x, *loss;
    int n;
    size_t size;
    bool all;
};

/* A batch norm of a network in training, in device memory. */
struct nn_norm {
    const float *w, *running; /* as in nn_args */
    double eps;
};

struct nn_backend {
    const char *name; /* "plain", "onednn", "cudnn": recorded with the result */
    int (*open)(struct nn_device **dev, int index, struct error *err);
    void (*close)(struct nn_device *dev);
    void (*platform)(char *text, size_t n); /* what last bits may depend on */
    int (*alloc)(struct nn_device *dev, size_t n, void **mem,
                 struct error *err); /* zeroed */
    void (*free)(struct nn_device *dev, void *mem, size_t n);
    int (*upload)(struct nn_device *dev, void *to, const void *host, size_t n,
                  struct error *err);
    int (*download)(struct nn_device *dev, void *host, const void *from, size_t n,
                    struct error *err);
    /* As upload(), beside the computing: calls after arrive() find it done. It is for
     * memory that no call before arrive() uses; the host's is the caller's again at once.
     */
    int (*send)(struct nn_device *dev, void *to, const void *host, size_t n,
                struct error *err);
    int (*arrive)(struct nn_device *dev, struct error *err);
    /* Between places of the device's own memory that do not overlap. */
    int (*copy)(struct nn_device *dev, void *to, const void *from, size_t n,
                struct error *err);
    int (*prepare)(struct nn_device *dev, const struct nn_op_desc *desc,
                   struct nn_op **op, struct error *err); /* *op is new: discard() it */
    void (*discard)(struct nn_op *op);
    /* Weight (out x in x kernel x kernel, or out x in, or of a batchnorm out) and bias
     * (NULL where there is none) in host memory to and from the backend's block;
     * refresh() after pack(). */
    int (*pack)(struct nn_op *op, float *w, const float *weight, const float *bias,
                void *work, struct error *err);
    int (*unpack)(struct nn_op *op, const float *w, float *weight, float *bias,
                  void *work, struct error *err);
    int (*refresh)(struct nn_op *op, float *w, void *work, struct error *err);
    /* The weights of `to`, of a program in evaluation, from those of the same operator in
     * training, and of the batch norm behind it that is folded in (NULL: there is none);
     * refresh() after it. NULL in place of the call: they go through host memory. */
    int (*fold)(struct nn_op *to, float *w, const struct nn_op *from, const float *from_w,
                const struct nn_norm *norm, struct error *err);
    /* Calls are queued in order; download() waits for all that came before it. */
    int (*forward)(struct nn_op *op, const struct nn_args *args, struct error *err);
    int (*backward)(struct nn_op *op, const struct nn_args *args, struct error *err);
    int (*loss)(struct nn_device *dev, const struct nn_loss *l, struct error *err);
    /* Adds to *sum, in device memory, the sum of squares of the lanes' summed gradients,
     * in a fixed order, in double. */
    int (*norm)(struct nn_device *dev, const struct nn_update *u, size_t n, double *sum,
                struct error *err);
    int (*update)(struct nn_device *dev, const struct nn_update *u, size_t n,
                  struct error *err);
    /* to += from, both n floats: a gradient that comes from several readers. */
    int (*add)(struct nn_device *dev, float *to, const float *from, size_t n,
               struct error *err);
    /* to = from with what is outside 0..1 moved to its edge, n floats. */
    int (*clamp)(struct nn_device *dev, float *to, const float *from, size_t n,
                 struct error *err);
    int (*ascend)(struct nn_device *dev, const struct nn_ascent *a, struct error *err);
    int (*keep)(struct nn_device *dev, const struct nn_keep *k, struct error *err);
    /* Calls between record() and stop() that only compute and copy are noted, not done;
     * play() queues them all, with the same memory; stop() without a tape forgets them.
     * All devices of the process record together, on one thread. NULL in place of the
     * three: every call is made each time.
     */
    int (*record)(struct nn_device *dev, struct error *err);
    int (*stop)(struct nn_device *dev, struct nn_tape **tape, struct error *err);
    int (*play)(struct nn_device *dev, struct nn_tape *tape, struct error *err);
    void (*erase)(struct nn_device *dev, struct nn_tape *tape); /* NULL is fine */
    /* Several processes with a device each (nn/ranks.h); NULL in place of these: there
     * are none. All of them make the same calls in the same order. */
    int (*meet)(unsigned char id[],
                struct error *err); /* by which they find each other */
    int (*join)(struct nn_device *dev, const struct ranks *r, struct error *err);
    /* g, n floats: the sum of those of all ranks, in their order, in a fixed order. */
    int (*reduce)(struct nn_device *dev, float *g, size_t n, struct error *err);
    /* all: the n floats of each rank, in their order. */
    int (*gather)(struct nn_device *dev, float *all, const float *mine, size_t n,
                  struct error *err);
    /* mem, n floats: those of rank 0. */
    int (*share)(struct nn_device *dev, float *mem, size_t n, struct error *err);
};

/* The backend of this name, of a GPU "cuda:N", or "auto": of the first GPU, else of the
 * CPU; E_DEVICE names those that this version has. */
int backend_find(const struct nn_backend **b, const char *name, struct error *err);

#endif
