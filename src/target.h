/*
 * target - the names a user asks for, and where their outputs are placed.
 */
#ifndef LARDER_TARGET_H
#define LARDER_TARGET_H

#include "build.h"

/* Reads `targets:` and the default target; the steps are in order. */
int targets_read(struct builder *b, struct error *err);

#endif
