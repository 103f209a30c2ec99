/*
 * op - the calls of one kind of operator in this backend; see struct nn_backend.
 */
#ifndef NN_ONEDNN_OP_H
#define NN_ONEDNN_OP_H

#include "nn/backend.h"

struct onednn_code {
    int (*prepare)(struct nn_device *dev, const struct nn_op_desc *desc,
                   struct nn_op **op, struct error *err);
    void (*discard)(struct nn_op *op);
    int (*forward)(struct nn_op *op, const struct nn_args *a, struct error *err);
    int (*backward)(struct nn_op *op, const struct nn_args *a, struct error *err);
    /* NULL where there are no weights */
    int (*pack)(struct nn_op *op, float *w, const float *weight, const float *bias,
                void *work, struct error *err);
    int (*unpack)(struct nn_op *op, const float *w, float *weight, float *bias,
                  void *work, struct error *err);
    int (*refresh)(struct nn_op *op, float *w, void *work, struct error *err);
};

/* For kinds whose operators are their description alone. */
int onednn_prepare_loops(struct nn_device *dev, const struct nn_op_desc *desc,
                         struct nn_op **op, struct error *err);
void onednn_discard_loops(struct nn_op *op);

#endif
