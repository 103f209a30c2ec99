/*
 * expect - what a recipe expects of outputs and metrics.
 */
#ifndef LARDER_EXPECT_H
#define LARDER_EXPECT_H

#include "input.h"

/* `expect:` of an output, with what the stage expects of all of them. */
int expect_fill(const struct filling *f, const struct stage_output *from,
                struct output *to);
/* The metrics that `expect:` of the stage names. */
int expect_fill_metrics(const struct filling *f);

#endif
