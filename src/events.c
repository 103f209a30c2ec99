#include "events.h"

#include <stdarg.h>

#include <jansson.h>

#include "larder/banned.h"

#include "child.h"

/* To three places. */
static double milli(double seconds)
{
    return (double)(long)(seconds * 1e3 + .5) / 1e3;
}

void event(const struct events *e, const char *name, const char *step, const char *fmt,
           ...)
{
    json_t *all, *rest;
    va_list ap;

    if (!e->to)
        return;
    all = json_pack("{s:s, s:f}", "event", name, "time", milli(clock_now() - e->started));
    if (step)
        json_object_set_new(all, "step", json_string(step));
    va_start(ap, fmt);
    rest = json_vpack_ex(NULL, 0, fmt, ap);
    va_end(ap);
    json_object_update(all, rest);
    json_dumpf(all, e->to, JSON_REAL_PRECISION(7));
    fputc('\n', e->to);
    fflush(e->to);
    json_decref(rest);
    json_decref(all);
}
