/*
 * step - one member of a stage, with every value looked up.
 */
#ifndef LARDER_STEP_H
#define LARDER_STEP_H

#include "stage.h"

/* Makes every step of every stage, with its name and its values on the axes. */
int steps_make(struct builder *b, struct error *err);
/* Fills in the rest, once all stages and imports are known. */
int steps_fill(struct builder *b, struct error *err);

#endif
