/*
 * torch - a file that PyTorch's torch.save() wrote, in any of its three containers.
 *
 * A zip file (since PyTorch 1.6), a stream of pickles and raw bytes (0.1.9 to 1.5), a tar
 * archive (before). Layouts: pytorch/pytorch, torch/serialization.py, where save() has
 * the first two and legacy_load() reads the last two. Nothing in the file is run
 * (weights/pickle.h), and tensors are only looked up when they are asked for.
 */
#ifndef WEIGHTS_TORCH_H
#define WEIGHTS_TORCH_H

#include "larder/error.h"
#include "larder/map.h"
#include "weights/pickle.h"
#include "weights/source.h"
#include "weights/view.h"
#include "weights/zip.h"

/* All-zero is empty. */
struct torch {
    struct pickle pickle;
    struct node *root;  /* borrowed from pickle: the object that was saved */
    struct map storage; /* key -> struct block *, in pickle's arena */
    struct map tensor;  /* tar only: key -> struct view *, in pickle's arena */
    struct zip zip;
    const char *folder; /* of the zip file's entries, with the last slash */
};

enum { TORCH_NOT = 0, TORCH_ZIP, TORCH_STREAM, TORCH_TAR };

/* Which container the bytes are, by how they begin. */
int torch_container(const struct source *f);

/* foreign: as in struct pickle. *t is empty after an error. */
int torch_open(struct torch *t, const struct source *f, bool foreign, struct error *err);
void torch_release(struct torch *t);

/* The tensor that x stands for; v->block is borrowed until torch_release(). E_INPUT when
 * it is none, or does not fit its storage. */
int torch_view(struct torch *t, const struct node *x, struct view *v, struct error *err);

#endif
