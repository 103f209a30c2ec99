/*
 * dtype - the element types of weight files, and what they are as float32.
 */
#ifndef WEIGHTS_DTYPE_H
#define WEIGHTS_DTYPE_H

#include <stddef.h>
#include <stdint.h>

enum dtype {
    DTYPE_NONE,
    DTYPE_F32,
    DTYPE_F64,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_I64,
    DTYPE_I32,
    DTYPE_I16,
    DTYPE_I8,
    DTYPE_U8,
    DTYPE_BOOL,
};

size_t dtype_size(enum dtype d);                   /* bytes of an element */
const char *dtype_name(enum dtype d);              /* "F32", as in safetensors */
enum dtype dtype_find(const char *name);           /* of safetensors; DTYPE_NONE: none */
enum dtype dtype_of_class(const char *class_name); /* "Float" of FloatStorage; or NONE */

/* Puts n elements into to and returns n; less: the first that float32 cannot hold, which
 * is an integer that has no equal float32, or a finite double that would be infinite.
 * Doubles are rounded to the nearest; float16 and bfloat16 are exact; float32 keeps its
 * bits; a boolean is 0 or 1. from needs no alignment. */
size_t dtype_convert(enum dtype d, const uint8_t *from, size_t n, float *to);

#endif
