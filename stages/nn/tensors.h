/*
 * tensors - named float32 arrays in host memory, and their safetensors file.
 *
 * Counts (a batch norm's num_batches_tracked) are I64 in the file and float here, which
 * holds whole numbers up to TENSOR_COUNT_MAX exactly; larger ones are refused.
 */
#ifndef NN_TENSORS_H
#define NN_TENSORS_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"

enum { TENSOR_DIMS = 4, TENSOR_COUNT_MAX = 1 << 24 };

struct tensor {
    char *name;
    int n_dims;
    long dim[TENSOR_DIMS];
    size_t n;      /* values */
    bool integer;  /* whole numbers, I64 in the file */
    bool borrowed; /* the values are not its own */
    float *value;  /* row by row (C order) */
};

/* All-zero is empty. */
struct tensors {
    struct tensor *tensor;
    size_t n, cap;
    void *map; /* of tensors_read(): the file, in which values lie */
    size_t n_map;
    bool plain_input; /* of a GoogLeNet without transform_input (nn/googlenet.h) */
};

/* Adds a zeroed tensor and returns it, borrowed until the next change. */
struct tensor *tensors_add(struct tensors *t, const char *name, int n_dims,
                           const long *dim);
/* The same with borrowed values, which must outlive *t. */
struct tensor *tensors_add_view(struct tensors *t, const char *name, int n_dims,
                                const long *dim, void *value);
const struct tensor *tensors_find(const struct tensors *t,
                                  const char *name); /* or NULL */
void tensors_release(struct tensors *t);

/* safetensors (huggingface/safetensors README): the file is checked whole before use. The
 * writer orders by name and pads the header to 8 bytes, so equal tensors give equal
 * bytes. plain_input is the metadata "transform_input": "off"; the writer writes no
 * other, the reader passes over others. */
/* The values are those of the file, mapped and read when they are needed: it must stay as
 * it is until tensors_release(). They may be changed, which the file does not see. */
int tensors_read(struct tensors *t, const char *path, struct error *err);
int tensors_write(const struct tensors *t, const char *path, struct error *err);

#endif
