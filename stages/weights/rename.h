/*
 * rename - other names for the tensors of a model.
 */
#ifndef WEIGHTS_RENAME_H
#define WEIGHTS_RENAME_H

#include "larder/error.h"
#include "nn/tensors.h"

/* path: a TSV with the columns name and from. The tensor `name` becomes `from`; E_INPUT
 * when a tensor has no row, or a row no tensor. */
int rename_by_table(struct tensors *t, const char *path, struct error *err);
void rename_with_prefix(struct tensors *t, const char *prefix);

#endif
