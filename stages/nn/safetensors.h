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

/* Adds to *t, in the order of the bytes, what the n bytes of a file hold; *t is empty
 * before, and again after an error. E_INPUT says what is wrong with which tensor. This
 * version reads F32 of at most TENSOR_DIMS dimensions. */
int safetensors_parse(struct tensors *t, const char *bytes, size_t n, struct error *err);

/* Appends the file. E_INPUT when two tensors have one name. */
int safetensors_format(const struct tensors *t, struct buf *to, struct error *err);

#endif
