/*
 * events - what happens in a run, a JSON object a line, for programs that watch it
 * (docs/command-line.md).
 */
#ifndef LARDER_EVENTS_H
#define LARDER_EVENTS_H

#include <stdio.h>

struct events { /* all-zero: nobody listens */
    FILE *to;
    double started; /* by the monotonic clock */
};

/* One event, with the time since the start. step may be NULL. fmt is that of json_pack()
 * for an object, and what else is to be told: "{s:s}". */
void event(const struct events *e, const char *name, const char *step, const char *fmt,
           ...);

#endif
