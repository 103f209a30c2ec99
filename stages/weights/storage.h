/*
 * storage - the runs of elements that the tensors of a PyTorch file lie in, by key.
 *
 * A pickle refers to one by a tuple: "storage", its class, its key, a device, its number
 * of elements and, in streams, a part of it: (key, first element, elements).
 */
#ifndef WEIGHTS_STORAGE_H
#define WEIGHTS_STORAGE_H

#include <stdbool.h>

#include "weights/torch.h"

enum { STORAGE_KEY = 64 };

/* The key as text: of a text, or of a number in decimal. E_INPUT without a story. */
int storage_key(const struct node *x, char key[STORAGE_KEY]);

/* A copy of *b under a new key, borrowed until torch_release(); E_INPUT: there is one. */
int storage_add(struct torch *t, const char *key, const struct block *b,
                struct block **added, struct error *err);

/* What a tuple says, checked as far as it goes without the file. */
struct storage_id {
    char key[STORAGE_KEY];
    enum dtype dtype;
    size_t items; /* of the whole storage */
    size_t first; /* element that the part begins with */
};

bool storage_is_id(const struct node *id);
int storage_read_id(const struct node *id, struct storage_id *s, struct error *err);

/* The storage of an id, and the element in it that the id begins with. In a zip file it
 * is looked for when it is first asked for. */
int storage_find(struct torch *t, const struct node *id, struct block **b, size_t *first,
                 struct error *err);

#endif
