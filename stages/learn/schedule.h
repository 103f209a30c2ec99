/*
 * schedule - the learning rate and the radius of the attack at each step of a training.
 */
#ifndef LEARN_SCHEDULE_H
#define LEARN_SCHEDULE_H

#include <stdbool.h>

struct schedule {
    long steps;          /* T: of the whole training */
    double peak, warmup; /* the rate rises to peak over the first warmup * T steps */
    bool cosine;         /* and falls to 0 as (1 + cos(pi t/T)) / 2 */
    long fall;           /* and is divided by 10 every so many steps; 0: never */
    double radius;       /* 0 before ramp_start * T, then linear, whole from */
    double ramp_start, ramp_end; /* ramp_end * T on */
};

/* Of step t, from 0. */
double schedule_rate(const struct schedule *s, long t);
double schedule_radius(const struct schedule *s, long t);

#endif
