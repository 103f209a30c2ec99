/*
 * argv - the words of the command of a `run:` stage.
 */
#ifndef LARDER_ARGV_H
#define LARDER_ARGV_H

#include "input.h"

/* Fills in step->arg and step->executable; the inputs must be there. Nothing for a
 * `program:` stage. */
int argv_fill(const struct filling *f);

#endif
