#include "nn/cudnn/plugin.h"

#include <string.h>

#include "larder/mem.h"
#include "nn/cudnn/kernels.h"
#include "nn/cudnn/op.h"
#include "nn/cudnn/queue.h"
#include "nn/cudnn/together.h"

#include "larder/banned.h"

size_t gpu_n_x(const struct nn_op_desc *d)
{
    return (size_t)d->N * d->H * d->W * d->C;
}

size_t gpu_n_y(const struct nn_op_desc *d)
{
    return (size_t)d->N * d->P * d->Q * d->K;
}

size_t gpu_n_weight(const struct nn_op_desc *d)
{
    if (d->kind == NN_CONV)
        return (size_t)d->K * d->C * d->kernel * d->kernel;
    if (d->kind == NN_LINEAR)
        return (size_t)d->K * d->C * d->H * d->W;
    return d->kind == NN_BATCHNORM ? (size_t)d->K : 0;
}

static const struct gpu_code *const codes[NN_KINDS] = {
    [NN_NORMALISE] = &gpu_normalise, [NN_CONV] = &gpu_conv,
    [NN_RELU] = &gpu_relu,           [NN_MAXPOOL] = &gpu_maxpool,
    [NN_LINEAR] = &gpu_linear,       [NN_BATCHNORM] = &gpu_batchnorm,
    [NN_AVGPOOL] = &gpu_avgpool,     [NN_DROPOUT] = &gpu_dropout,
    [NN_CONCAT] = &gpu_concat,       [NN_ADD] = &gpu_add,
    [NN_REFLECT] = &gpu_reflect,     [NN_UPSAMPLE] = &gpu_upsample,
    [NN_GRAM] = &gpu_gram,
};

static struct gpu_op *of(struct nn_op *op)
{
    return (struct gpu_op *)op;
}

static int allocate(struct nn_device *dev, size_t n, void **mem, struct error *err)
{
    int rc = gpu_enter(dev, err);

    *mem = NULL;
    if (rc == 0)
        rc = gpu_take(mem, n > 0 ? n : 1, "taking memory", err);
    return rc < 0 ? rc : queue_clear(*mem, n, err);
}

static void release(struct nn_device *dev, void *mem, size_t n)
{
    gpu_enter(dev, NULL); /* a GPU that is lost takes nothing back, and says so later */
    gpu_give(mem, n > 0 ? n : 1);
}

static int upload(struct nn_device *dev, void *to, const void *host, size_t n,
                  struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : queue_upload(to, host, n, err);
}

static int download(struct nn_device *dev, void *host, const void *from, size_t n,
                    struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : queue_download(host, from, n, err);
}

static int send(struct nn_device *dev, void *to, const void *host, size_t n,
                struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : queue_send(to, host, n, err);
}

static int arrive(struct nn_device *dev, struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : queue_arrive(err);
}

static int copy(struct nn_device *dev, void *to, const void *from, size_t n,
                struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : queue_copy(to, from, n, err);
}

static void discard(struct nn_op *op)
{
    struct gpu_op *g = of(op);

    if (g == NULL)
        return;
    if (g->code->release != NULL) {
        gpu_enter(g->dev, NULL); /* what describes an operator is the host's */
        g->code->release(g);
    }
    free(g);
}

static int prepare(struct nn_device *dev, const struct nn_op_desc *desc,
                   struct nn_op **op, struct error *err)
{
    struct gpu_op *g = xcalloc(1, sizeof *g);
    size_t weights = gpu_n_weight(desc);
    int rc = gpu_enter(dev, err);

    g->op.d = *desc;
    g->dev = dev;
    g->code = gpu_is_linear(desc) ? &gpu_linear : codes[desc->kind];
    for (int i = 0; i < 3; i++)
        g->op.impl[i] = "cuda";
    if (weights > 0)
        g->op.n_weights = (weights + (size_t)desc->K + 15) / 16 * 16;
    if (rc == 0 && g->code->prepare != NULL)
        rc = g->code->prepare(g, err);
    if (rc < 0) {
        discard(&g->op);
        return rc;
    }
    *op = &g->op;
    return 0;
}

/* Weights lie K x (y, x) x C, so that C is what varies fastest, as in the activations. */
static void turn(const struct nn_op_desc *d, float *to, const float *from, bool pack)
{
    int area = d->kind == NN_CONV     ? d->kernel * d->kernel
               : d->kind == NN_LINEAR ? d->H * d->W
                                      : 1;
    int C = d->kind == NN_BATCHNORM ? 1 : d->C;

    for (int k = 0; k < d->K; k++) {
        for (int c = 0; c < C; c++) {
            for (int i = 0; i < area; i++) {
                size_t ours = ((size_t)k * area + i) * C + c;
                size_t theirs = ((size_t)k * C + c) * area + i;
                if (pack)
                    to[ours] = from[theirs];
                else
                    to[theirs] = from[ours];
            }
        }
    }
}

static int pack(struct nn_op *op, float *w, const float *weight, const float *bias,
                void *work, struct error *err)
{
    size_t n = gpu_n_weight(&op->d);
    float *block = xcalloc(op->n_weights, sizeof *block);
    int rc;

    (void)work;
    turn(&op->d, block, weight, true);
    if (bias != NULL)
        memcpy(block + n, bias, op->d.K * sizeof *block);
    rc = upload(of(op)->dev, w, block, op->n_weights * sizeof *block, err);
    free(block);
    return rc;
}

static int unpack(struct nn_op *op, const float *w, float *weight, float *bias,
                  void *work, struct error *err)
{
    size_t n = gpu_n_weight(&op->d);
    float *block = xcalloc(op->n_weights, sizeof *block);
    int rc = download(of(op)->dev, block, w, op->n_weights * sizeof *block, err);

    (void)work;
    if (rc == 0)
        turn(&op->d, weight, block, false);
    if (rc == 0 && bias != NULL)
        memcpy(bias, block + n, op->d.K * sizeof *block);
    free(block);
    return rc;
}

static int refresh(struct nn_op *op, float *w, void *work, struct error *err)
{
    (void)op;
    (void)w;
    (void)work;
    (void)err;
    return 0; /* nothing follows from the weights */
}

/* The layout is one for all programs. */
static int fold(struct nn_op *to, float *w, const struct nn_op *from, const float *from_w,
                const struct nn_norm *norm, struct error *err)
{
    size_t K = (size_t)to->d.K, n = gpu_n_weight(&to->d);
    struct nn_device *dev = of(to)->dev;
    int rc;

    if (norm == NULL)
        return copy(dev, w, from_w, to->n_weights * sizeof *w, err);
    rc = gpu_enter(dev, err);
    return rc < 0 ? rc
                  : gpu_cuda(kernel_fold(w, from_w, from->d.bias ? from_w + n : NULL,
                                         norm, K, n / K),
                             "folding a batch norm", err);
}

static int forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    int rc = gpu_enter(of(op)->dev, err);

    return rc < 0 ? rc : of(op)->code->forward(of(op), a, err);
}

static int backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    int rc = gpu_enter(of(op)->dev, err);

    return rc < 0 ? rc : of(op)->code->backward(of(op), a, err);
}

static int take_update(const struct nn_update *u, struct kernel_update *to,
                       struct error *err)
{
    if (u->lanes > KERNEL_LANES)
        return error_set(err, E_DEVICE, "%d lanes: the GPU backend has %d at most",
                         u->lanes, KERNEL_LANES);
    *to = (struct kernel_update){
        .w = u->w, .v = u->v, .lanes = u->lanes, .rates = u->rates, .squares = u->squares
    };
    for (int k = 0; k < u->lanes; k++)
        to->g[k] = u->g[k];
    return 0;
}

static int loss(struct nn_device *dev, const struct nn_loss *l, struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : gpu_cuda(kernel_loss(l), "the loss", err);
}

static int norm(struct nn_device *dev, const struct nn_update *u, size_t n, double *sum,
                struct error *err)
{
    struct kernel_update k;
    int rc = take_update(u, &k, err);

    if (rc == 0)
        rc = gpu_enter(dev, err);
    return rc < 0
               ? rc
               : gpu_cuda(kernel_norm(&k, n, sum, dev->work), "the gradient's norm", err);
}

static int update(struct nn_device *dev, const struct nn_update *u, size_t n,
                  struct error *err)
{
    struct kernel_update k;
    int rc = take_update(u, &k, err);

    if (rc == 0)
        rc = gpu_enter(dev, err);
    return rc < 0 ? rc : gpu_cuda(kernel_sgd(&k, n), "a step of SGD", err);
}

static int add(struct nn_device *dev, float *to, const float *from, size_t n,
               struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : gpu_cuda(kernel_accumulate(to, from, n), "a sum", err);
}

static int clamp(struct nn_device *dev, float *to, const float *from, size_t n,
                 struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : gpu_cuda(kernel_clamp(to, from, n), "a clamp", err);
}

static int ascend(struct nn_device *dev, const struct nn_ascent *a, struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : gpu_cuda(kernel_ascend(a), "a step of an attack", err);
}

static int keep(struct nn_device *dev, const struct nn_keep *k, struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : gpu_cuda(kernel_keep(k), "the best of an attack", err);
}

struct nn_tape {
    cudaGraphExec_t graph;
};

static int record(struct nn_device *dev, struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : queue_record(err);
}

static int stop(struct nn_device *dev, struct nn_tape **tape, struct error *err)
{
    struct nn_tape *t;
    int rc;

    (void)dev;
    if (tape == NULL)
        return queue_stop(NULL, err);
    t = xcalloc(1, sizeof *t);
    rc = queue_stop(&t->graph, err);
    if (rc < 0) {
        free(t);
        t = NULL;
    }
    *tape = t;
    return rc;
}

static int play(struct nn_device *dev, struct nn_tape *tape, struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : queue_play(tape->graph, err);
}

static void erase(struct nn_device *dev, struct nn_tape *tape)
{
    if (tape == NULL)
        return;
    gpu_enter(dev, NULL);
    cudaGraphExecDestroy(tape->graph);
    free(tape);
}

#ifdef LARDER_NCCL
static int join(struct nn_device *dev, const struct ranks *r, struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : together_join(r, err);
}

static int reduce(struct nn_device *dev, float *g, size_t n, struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : together_reduce(g, n, err);
}

static int gather(struct nn_device *dev, float *all, const float *mine, size_t n,
                  struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : together_gather(all, mine, n, err);
}

static int share(struct nn_device *dev, float *mem, size_t n, struct error *err)
{
    int rc = gpu_enter(dev, err);

    return rc < 0 ? rc : together_share(mem, n, err);
}
#endif

static const struct nn_backend backend_cudnn = {
    .name = "cudnn",
    .open = gpu_open,
    .close = gpu_close,
    .platform = gpu_platform,
    .alloc = allocate,
    .free = release,
    .upload = upload,
    .download = download,
    .send = send,
    .arrive = arrive,
    .copy = copy,
    .prepare = prepare,
    .discard = discard,
    .pack = pack,
    .unpack = unpack,
    .refresh = refresh,
    .fold = fold,
    .forward = forward,
    .backward = backward,
    .loss = loss,
    .norm = norm,
    .update = update,
    .add = add,
    .clamp = clamp,
    .ascend = ascend,
    .keep = keep,
    .record = record,
    .stop = stop,
    .play = play,
    .erase = erase,
#ifdef LARDER_NCCL
    .meet = together_meet,
    .join = join,
    .reduce = reduce,
    .gather = gather,
    .share = share,
#endif
};

__attribute__((visibility("default"))) const struct nn_plugin larder_nn_plugin = {
    .abi = NN_PLUGIN_ABI,
    .start = gpu_start,
    .backend = &backend_cudnn,
    .describe = gpu_describe,
};
