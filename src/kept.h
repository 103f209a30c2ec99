/*
 * kept - the files of .larder/kept/: plans, and what their last runs found.
 *
 * They are named by the question that they answer. A sweep over settings leaves some for
 * each; the newest stay.
 */
#ifndef LARDER_KEPT_H
#define LARDER_KEPT_H

#include "larder/mem.h"

/* own: the project's .larder. The paths are in arena memory. */
const char *kept_folder(struct arena *arena, const char *own);
const char *kept_path(struct arena *arena, const char *own, const char *question,
                      const char *kind);
void kept_sweep(const char *own);

#endif
