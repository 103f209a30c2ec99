/*
 * safetensors - the file format of weights (huggingface/safetensors, README.md).
 *
 * Eight bytes: the length of the header, little-endian; the header, a JSON object from
 * names to dtype, shape and the place of the bytes; then the bytes. Everything is checked
 * before anything is used: the file may come from anywhere.
 */
#ifndef NN_SAFETENSORS_H
#define NN_SAFETENSORS_H

#include "larder/buf.h"
#include "larder/error.h"
#include "nn/tensors.h"

enum { SAFETENSORS_DIMS = 8 };

/* A tensor of a file: bytes [begin, end) of it, row by row, little-endian. */
struct safetensors_entry {
    const char *name;  /* UTF-8 */
    const char *dtype; /* "F32", F64, F16, BF16, I64, I32, I16, I8, U8 or BOOL */
    size_t begin, end;
    int n_dims;
    long dim[SAFETENSORS_DIMS];
};

/* All-zero is empty. */
struct safetensors_list {
    struct safetensors_entry *entry; /* in the order of the bytes */
    size_t n;
    void *header; /* owns the names */
};

/* What the n bytes of a file hold. *l is empty after an error; E_INPUT says what is wrong
 * with which tensor. */
int safetensors_list(struct safetensors_list *l, const char *bytes, size_t n,
                     struct error *err);
void safetensors_release(struct safetensors_list *l);

/* Adds to *t, in the order of the bytes, what the n bytes of a file hold; *t is empty
 * before, and again after an error. E_INPUT says what is wrong with which tensor. This
 * version reads F32 of at most TENSOR_DIMS dimensions. */
int safetensors_parse(struct tensors *t, const char *bytes, size_t n, struct error *err);
/* The same with values that lie in bytes where they can: those must outlive *t. */
int safetensors_view(struct tensors *t, char *bytes, size_t n, struct error *err);

/* Appends the file. E_INPUT when two tensors have one name. */
int safetensors_format(const struct tensors *t, struct buf *to, struct error *err);
/* The same with {"format":FORMAT} as metadata, by which other programs tell whose layouts
 * they are ("pt": PyTorch's); NULL: without. */
int safetensors_format_as(const struct tensors *t, const char *format, struct buf *to,
                          struct error *err);

#endif
