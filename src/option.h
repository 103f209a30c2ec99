/*
 * option - the types of a program's options and the one way to write each value.
 *
 * Keys hold the canonical text, so 0.50, .5 and 5e-1 are one value: "0.5". The call is
 * program_value() of program.h.
 */
#ifndef LARDER_OPTION_H
#define LARDER_OPTION_H

#include "larder/buf.h"
#include "program.h"

const char *option_type_name(enum option_type type); /* "int", "float", ... */
/* Appends what the option allows: "an int from 1 to 1000". */
void option_allows(const struct program_option *o, struct buf *b);

#endif
