/*
 * running - a step that runs, here or on a node, as those see it who tell of it.
 */
#ifndef LARDER_RUNNING_H
#define LARDER_RUNNING_H

#include <stdbool.h>

#include "work.h"

struct running {
    const struct work *work;
    double started;       /* by the monotonic clock */
    const char *progress; /* "12/30 epochs", or NULL; borrowed */
    double part;          /* how much of it that is, 0 to 1; 0: not known */
    bool *moved;          /* there is progress that was not told yet */
};

#endif
