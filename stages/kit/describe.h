/*
 * describe - what a program's table says: to people (--help), to the engine (--describe).
 */
#ifndef KIT_DESCRIBE_H
#define KIT_DESCRIBE_H

#include "kit/stage.h"
#include "larder/buf.h"

/* These append to b. */
void describe_help(struct buf *b, const struct stage_arg *args);
void describe_json(struct buf *b,
                   const struct stage_arg *args); /* docs/stage-protocol.md */
/* The option's value as canonical text: decimal, shortest float, true or false. */
void describe_value(struct buf *b, const struct stage_arg *option);
/* "MIN to MAX" of an int or float option. */
void describe_range(struct buf *b, const struct stage_arg *option);

/* "file", "tree", "set" or "list"; "int", "float", "bool", "string" or "choice". */
const char *describe_shape(const struct stage_arg *port);
const char *describe_type(const struct stage_arg *option);
bool describe_is_option(const struct stage_arg *a);

#endif
