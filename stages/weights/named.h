/*
 * named - the named arrays of a file of weights: safetensors, or a dictionary of tensors
 * that PyTorch saved.
 */
#ifndef WEIGHTS_NAMED_H
#define WEIGHTS_NAMED_H

#include "nn/safetensors.h"
#include "weights/torch.h"

struct named_item {
    const char *name;     /* printable ASCII */
    const struct node *x; /* what a PyTorch file has under it */
};

/* All-zero is empty. */
struct named {
    struct source file;
    struct torch torch;
    struct safetensors_list list;
    struct block *block; /* one an entry of the list */
    struct named_item *item;
    size_t n;
};

struct named_options {
    const char *key; /* in a PyTorch file, the dictionary to take: the names that lead to
                        it, joined by slashes; "": the dictionary under `model`, else the
                        one under `state_dict`, else the object itself */
    bool foreign;    /* as in struct pickle */
};

/* E_INPUT says what is wrong with the file; names are no longer than NAMED_MAX and are
 * there once. Each call leaves *n such that named_close() is due. */
enum { NAMED_MAX = 255 };
int named_open(struct named *n, const char *path, const struct named_options *o,
               struct error *err);
/* The same of bytes in memory, which live as long. */
int named_open_bytes(struct named *n, const void *bytes, size_t size,
                     const struct named_options *o, struct error *err);
void named_close(struct named *n);

/* Where item i lies; v->block is borrowed until named_close(). E_INPUT: it is no array.
 */
int named_view(struct named *n, size_t i, struct view *v, struct error *err);

#endif
