/*
 * known - the failures that once went wrong; a case for each, which is tried every time.
 */
#ifndef KNOWN_H
#define KNOWN_H

#include <stddef.h>

#include "table.h"

struct known {
    const char *scenario, *call, *path; /* part of what the call is about */
    int nth;                            /* of such calls, from 1 */
    enum fault fault;
    bool stays;
};

extern const struct known known[];
extern const size_t n_known;

#endif
