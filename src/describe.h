/*
 * describe - the answer of a program to --describe, read (docs/stage-protocol.md).
 */
#ifndef LARDER_DESCRIBE_H
#define LARDER_DESCRIBE_H

#include "program.h"

/* Fills *p, in arena memory, from the JSON text; p->path is left alone. E_INPUT where the
 * text is no description of format 1, with what is wrong with it. */
int describe_read(struct arena *arena, const char *json, struct program *p,
                  struct error *err);

#endif
