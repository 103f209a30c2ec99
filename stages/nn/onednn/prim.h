/*
 * prim - a primitive of oneDNN with its arguments bound, so that running it is one call.
 */
#ifndef NN_ONEDNN_PRIM_H
#define NN_ONEDNN_PRIM_H

#include "nn/onednn/device.h"

enum { PRIM_ARGS = 6 };

/* All-zero is empty. */
struct prim {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arg[PRIM_ARGS]; /* DNNL_ARG_... and its memory */
    int n_args;
    const char *impl; /* oneDNN's name of the implementation; borrowed */
    size_t n_scratch; /* bytes wanted as DNNL_ARG_SCRATCHPAD */
};

/* Takes pd. args: the DNNL_ARG_... to be bound, ended by 0; the scratchpad is added where
 * the primitive wants one. */
int prim_open(struct prim *p, const struct nn_device *dev, dnnl_primitive_desc_t pd,
              const int *args, struct error *err);
/* A reorder from one layout into another: arguments DNNL_ARG_FROM and DNNL_ARG_TO. */
int prim_open_reorder(struct prim *p, const struct nn_device *dev,
                      const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to,
                      struct error *err);
void prim_close(struct prim *p);

/* Borrowed until prim_close(); the layout of an argument. */
const dnnl_memory_desc_t *prim_layout(const struct prim *p, int arg);

/* Binds an argument to device memory. Cheap when it is bound there already. */
void prim_bind(struct prim *p, int arg, const void *mem);
int prim_run(struct prim *p, const struct nn_device *dev, struct error *err);

#endif
