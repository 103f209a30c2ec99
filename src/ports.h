/*
 * ports - the inputs and outputs that a stage names, checked against its program.
 */
#ifndef LARDER_PORTS_H
#define LARDER_PORTS_H

#include "stage.h"

/* Reads `in:` and `out:` into the stage. */
int ports_read(struct builder *b, struct stage *s, struct error *err);

#endif
