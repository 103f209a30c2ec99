#include "nn/onednn/op.h"

#include "larder/banned.h"
#include "larder/mem.h"

int onednn_prepare_loops(struct nn_device *dev, const struct nn_op_desc *desc,
                         struct nn_op **op, struct error *err)
{
    (void)dev;
    (void)err;
    *op = xcalloc(1, sizeof **op);
    (*op)->d = *desc;
    for (int i = 0; i < 3; i++)
        (*op)->impl[i] = "loops";
    return 0;
}

void onednn_discard_loops(struct nn_op *op)
{
    free(op);
}
