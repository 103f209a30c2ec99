/*
 * estimate - what steps are expected to take: what the recipe says, else what they took
 * when they ran last.
 */
#ifndef LARDER_ESTIMATE_H
#define LARDER_ESTIMATE_H

#include "session.h"

/* Sets `expected`, `declared`, `disk` and `ahead` of every wanted step that is not done.
 */
void estimate_all(struct session *s);

#endif
