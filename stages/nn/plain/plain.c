#include "nn/plain/plain.h"

#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/ascent.h"
#include "nn/loss.h"
#include "nn/memory.h"
#include "nn/plain/add.h"
#include "nn/plain/avgpool.h"
#include "nn/plain/batchnorm.h"
#include "nn/plain/concat.h"
#include "nn/plain/conv.h"
#include "nn/plain/dropout.h"
#include "nn/plain/gram.h"
#include "nn/plain/linear.h"
#include "nn/plain/maxpool.h"
#include "nn/plain/normalise.h"
#include "nn/plain/reflect.h"
#include "nn/plain/relu.h"
#include "nn/plain/upsample.h"
#include "nn/sgd.h"

static const struct {
    void (*forward)(const struct nn_op_desc *d, const struct nn_args *a);
    void (*backward)(const struct nn_op_desc *d, const struct nn_args *a);
} operators[NN_KINDS] = {
    [NN_NORMALISE] = { plain_normalise_forward, plain_normalise_backward },
    [NN_CONV] = { plain_conv_forward, plain_conv_backward },
    [NN_RELU] = { plain_relu_forward, plain_relu_backward },
    [NN_MAXPOOL] = { plain_maxpool_forward, plain_maxpool_backward },
    [NN_LINEAR] = { plain_linear_forward, plain_linear_backward },
    [NN_BATCHNORM] = { plain_batchnorm_forward, plain_batchnorm_backward },
    [NN_AVGPOOL] = { plain_avgpool_forward, plain_avgpool_backward },
    [NN_DROPOUT] = { plain_dropout_forward, plain_dropout_backward },
    [NN_CONCAT] = { plain_concat_forward, plain_concat_backward },
    [NN_ADD] = { plain_add_forward, plain_add_backward },
    [NN_REFLECT] = { plain_reflect_forward, plain_reflect_backward },
    [NN_UPSAMPLE] = { plain_upsample_forward, plain_upsample_backward },
    [NN_GRAM] = { plain_gram_forward, plain_gram_backward },
};

/* Bytes kept from a forward pass to its backward pass. */
static size_t n_state(const struct nn_op_desc *d)
{
    if (d->kind == NN_BATCHNORM)
        return plain_batchnorm_state(d);
    return d->kind == NN_DROPOUT ? plain_dropout_state(d) : 0;
}

static int plain_open(struct nn_device **dev, int index, struct error *err)
{
    (void)index;
    (void)err;
    *dev = NULL; /* there is nothing to keep */
    return 0;
}

static void plain_close(struct nn_device *dev)
{
    (void)dev;
}

static void plain_platform(char *text, size_t n)
{
    snprintf(text, n, "plain");
}

static int plain_alloc(struct nn_device *dev, size_t n, void **mem, struct error *err)
{
    (void)dev;
    return memory_map(mem, n, err);
}

static void plain_free(struct nn_device *dev, void *mem, size_t n)
{
    (void)dev;
    memory_unmap(mem, n);
}

static int plain_copy(struct nn_device *dev, void *to, const void *from, size_t n,
                      struct error *err)
{
    (void)dev;
    (void)err;
    memcpy(to, from, n);
    return 0;
}

/* Without the bias. */
static size_t n_weight(const struct nn_op_desc *d)
{
    if (d->kind == NN_CONV)
        return (size_t)d->K * d->C * d->kernel * d->kernel;
    if (d->kind == NN_LINEAR)
        return (size_t)d->K * d->C * d->H * d->W;
    return d->kind == NN_BATCHNORM ? d->K : 0;
}

static int plain_prepare(struct nn_device *dev, const struct nn_op_desc *desc,
                         struct nn_op **op, struct error *err)
{
    (void)dev;
    (void)err;
    *op = xcalloc(1, sizeof **op);
    (*op)->d = *desc;
    for (int i = 0; i < 3; i++)
        (*op)->impl[i] = "plain";
    (*op)->n_state = n_state(desc);
    if (n_weight(desc) > 0)
        (*op)->n_weights = (n_weight(desc) + desc->K + 15) / 16 * 16;
    return 0;
}

static void plain_discard(struct nn_op *op)
{
    free(op);
}

static int plain_pack(struct nn_op *op, float *w, const float *weight, const float *bias,
                      void *work, struct error *err)
{
    (void)work;
    (void)err;
    memcpy(w, weight, n_weight(&op->d) * sizeof *w);
    if (bias != NULL)
        memcpy(w + n_weight(&op->d), bias, op->d.K * sizeof *w);
    return 0;
}

static int plain_unpack(struct nn_op *op, const float *w, float *weight, float *bias,
                        void *work, struct error *err)
{
    (void)work;
    (void)err;
    memcpy(weight, w, n_weight(&op->d) * sizeof *w);
    if (bias != NULL)
        memcpy(bias, w + n_weight(&op->d), op->d.K * sizeof *w);
    return 0;
}

static int plain_refresh(struct nn_op *op, float *w, void *work, struct error *err)
{
    (void)op;
    (void)w;
    (void)work;
    (void)err;
    return 0;
}

static int plain_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    (void)err;
    operators[op->d.kind].forward(&op->d, a);
    return 0;
}

static int plain_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    (void)err;
    operators[op->d.kind].backward(&op->d, a);
    return 0;
}

static int plain_arrive(struct nn_device *dev, struct error *err)
{
    (void)dev;
    (void)err;
    return 0;
}

static int plain_add(struct nn_device *dev, float *to, const float *from, size_t n,
                     struct error *err)
{
    (void)dev;
    (void)err;
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
    return 0;
}

const struct nn_backend backend_plain = {
    .name = "plain",
    .open = plain_open,
    .close = plain_close,
    .platform = plain_platform,
    .alloc = plain_alloc,
    .free = plain_free,
    .upload = plain_copy,
    .download = plain_copy,
    .send = plain_copy,
    .arrive = plain_arrive,
    .copy = plain_copy,
    .prepare = plain_prepare,
    .discard = plain_discard,
    .pack = plain_pack,
    .unpack = plain_unpack,
    .refresh = plain_refresh,
    .forward = plain_forward,
    .backward = plain_backward,
    .loss = loss_of_pictures,
    .norm = sgd_norm,
    .update = sgd_update,
    .add = plain_add,
    .clamp = ascent_clamp,
    .ascend = ascent_step,
    .keep = ascent_keep,
};
