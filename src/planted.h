/*
 * planted - a fault for tests/random, which shows with it that it would find one.
 *
 * A build with LARDER_PLANT ignores that of a step's identity which the environment
 * variable LARDER_PLANT names. No other build has this.
 */
#ifndef LARDER_PLANTED_H
#define LARDER_PLANTED_H

#ifdef LARDER_PLANT
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool is_left_out(const char *what)
{
    const char *planted = getenv("LARDER_PLANT");

    return planted && !strcmp(planted, what);
}
#else
#define is_left_out(what) false
#endif

#endif
