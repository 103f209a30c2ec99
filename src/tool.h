/*
 * tool - what steps run on besides their program: an environment of an interpreter, an
 * image. It is known by its content: that of a lock file, of a folder, or the digest of
 * an image.
 */
#ifndef LARDER_TOOL_H
#define LARDER_TOOL_H

#include "stage.h"

/* Reads `tools:` of the recipe into b->tools. */
int tools_read(struct builder *b, struct error *err);
/* Reads `tools:` of a stage. */
int tools_of_stage(struct builder *b, struct stage *s, struct error *err);

#endif
