/*
 * take - which arrays of a file become which parameters of a model.
 *
 * Without a table of names a name is that of the file less a prefix; for a known network,
 * names of other programs are translated and what it does not need is left out:
 *
 *   last_layer.*         classifier.6.*      robustness, imagenet_models/alexnet.py
 *   *.branch4_conv.*     *.branch4.1.*       older code of torchvision's GoogLeNet
 *   *.num_batches_tracked, aux1.*, aux2.*    left out where the network has no such
 * parameter
 */
#ifndef WEIGHTS_TAKE_H
#define WEIGHTS_TAKE_H

#include "kit/tsv.h"
#include "nn/tensors.h"
#include "weights/named.h"

struct take_options {
    const char *prefix; /* what the names to take begin with, stripped. "auto": `module.`
                           when all begin with it; then `model.` when all begin with that,
                           `normalizer.` or `attacker.` (MadryLab/robustness) */
    const struct tsv *names; /* columns name (in the model) and from (in the file, whole):
                                exactly these are taken; or NULL */
    const struct tensors *want; /* the names and shapes of a network; NULL: any */
    const char *network;        /* its name, for messages */
};

/* All-zero is empty. */
struct take {
    char **name; /* of each item of the file, in the model; NULL: left out */
    size_t n;
};

/* Decides. E_INPUT names what is missing, too much, or of another shape. */
int take_names(struct take *t, struct named *f, const struct take_options *o,
               struct error *err);
/* Adds to *to what was decided, in the order of the file. */
int take_read(const struct take *t, struct named *f, struct tensors *to,
              struct error *err);
void take_release(struct take *t);

/* Appends a TSV of all items: name (empty: left out), from, dtype and shape (empty where
 * it is no array). */
void take_format(const struct take *t, struct named *f, struct buf *text);

#endif
