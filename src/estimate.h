/*
 * estimate - how long steps are expected to take, by what they took when they ran last.
 */
#ifndef LARDER_ESTIMATE_H
#define LARDER_ESTIMATE_H

#include "session.h"

/* Sets `expected` and `ahead` of every wanted step that is not done. */
void estimate_all(struct session *s);

#endif
