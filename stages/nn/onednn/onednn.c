#include "nn/onednn/onednn.h"

#include <string.h>

#include "larder/banned.h"
#include "nn/ascent.h"
#include "nn/loss.h"
#include "nn/memory.h"
#include "nn/onednn/add.h"
#include "nn/onednn/avgpool.h"
#include "nn/onednn/batchnorm.h"
#include "nn/onednn/concat.h"
#include "nn/onednn/conv.h"
#include "nn/onednn/device.h"
#include "nn/onednn/dropout.h"
#include "nn/onednn/gram.h"
#include "nn/onednn/linear.h"
#include "nn/onednn/maxpool.h"
#include "nn/onednn/normalise.h"
#include "nn/onednn/reflect.h"
#include "nn/onednn/relu.h"
#include "nn/onednn/upsample.h"
#include "nn/sgd.h"

static const struct onednn_code *const operators[NN_KINDS] = {
    [NN_NORMALISE] = &onednn_normalise, [NN_CONV] = &onednn_conv,
    [NN_RELU] = &onednn_relu,           [NN_MAXPOOL] = &onednn_maxpool,
    [NN_LINEAR] = &onednn_linear,       [NN_BATCHNORM] = &onednn_batchnorm,
    [NN_AVGPOOL] = &onednn_avgpool,     [NN_DROPOUT] = &onednn_dropout,
    [NN_CONCAT] = &onednn_concat,       [NN_ADD] = &onednn_add,
    [NN_REFLECT] = &onednn_reflect,     [NN_UPSAMPLE] = &onednn_upsample,
    [NN_GRAM] = &onednn_gram,
};

static int onednn_alloc(struct nn_device *dev, size_t n, void **mem, struct error *err)
{
    (void)dev;
    return memory_map(mem, n, err);
}

static void onednn_free(struct nn_device *dev, void *mem, size_t n)
{
    (void)dev;
    memory_unmap(mem, n);
}

static int onednn_copy(struct nn_device *dev, void *to, const void *from, size_t n,
                       struct error *err)
{
    (void)dev;
    (void)err;
    memcpy(to, from, n);
    return 0;
}

static int onednn_prepare(struct nn_device *dev, const struct nn_op_desc *desc,
                          struct nn_op **op, struct error *err)
{
    device_alone();
    return operators[desc->kind]->prepare(dev, desc, op, err);
}

static void onednn_discard(struct nn_op *op)
{
    if (op != NULL)
        operators[op->d.kind]->discard(op);
}

static int onednn_refresh(struct nn_op *op, float *w, void *work, struct error *err)
{
    device_alone();
    return op->n_derived > 0 ? operators[op->d.kind]->refresh(op, w, work, err) : 0;
}

static int onednn_pack(struct nn_op *op, float *w, const float *weight, const float *bias,
                       void *work, struct error *err)
{
    device_alone();
    return operators[op->d.kind]->pack(op, w, weight, bias, work, err);
}

static int onednn_unpack(struct nn_op *op, const float *w, float *weight, float *bias,
                         void *work, struct error *err)
{
    device_alone();
    return operators[op->d.kind]->unpack(op, w, weight, bias, work, err);
}

static int onednn_forward(struct nn_op *op, const struct nn_args *args, struct error *err)
{
    device_alone();
    return operators[op->d.kind]->forward(op, args, err);
}

static int onednn_backward(struct nn_op *op, const struct nn_args *args,
                           struct error *err)
{
    device_alone();
    return operators[op->d.kind]->backward(op, args, err);
}

static int onednn_arrive(struct nn_device *dev, struct error *err)
{
    (void)dev;
    (void)err;
    return 0;
}

static int onednn_sum(struct nn_device *dev, float *to, const float *from, size_t n,
                      struct error *err)
{
    (void)dev;
    (void)err;
    add_to(to, from, n);
    return 0;
}

const struct nn_backend backend_onednn = {
    .name = "onednn",
    .open = device_open,
    .close = device_close,
    .platform = device_platform,
    .alloc = onednn_alloc,
    .free = onednn_free,
    .upload = onednn_copy,
    .download = onednn_copy,
    .send = onednn_copy,
    .arrive = onednn_arrive,
    .copy = onednn_copy,
    .prepare = onednn_prepare,
    .discard = onednn_discard,
    .pack = onednn_pack,
    .unpack = onednn_unpack,
    .refresh = onednn_refresh,
    .forward = onednn_forward,
    .backward = onednn_backward,
    .loss = loss_of_pictures,
    .norm = sgd_norm,
    .update = sgd_update,
    .add = onednn_sum,
    .clamp = ascent_clamp,
    .ascend = ascent_step,
    .keep = ascent_keep,
};
