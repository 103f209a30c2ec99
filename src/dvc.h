/*
 * dvc - a pipeline of DVC as a recipe.
 *
 * What is taken over: stages with cmd, deps, outs, metrics, plots, params of params.yaml,
 * wdir, foreach and matrix of plain lists, and ${…} of params.yaml, vars and items. A
 * stage becomes `sh:`, which lays its inputs where the command looks for them, and takes
 * its outputs from where it leaves them. What is not taken over is named.
 */
#ifndef LARDER_DVC_H
#define LARDER_DVC_H

#include "larder/buf.h"
#include "larder/error.h"

/* path: of a dvc.yaml; its folder is the project. Appends the recipe to *recipe, and to
 * *left_out a line for each thing that was not taken over. E_INPUT where it is no
 * pipeline of DVC. */
int dvc_recipe(const char *path, struct buf *recipe, struct buf *left_out,
               struct error *err);

#endif
