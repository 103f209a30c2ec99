#include "learn/schedule.h"

#include <math.h>

#include "larder/banned.h"

double schedule_rate(const struct schedule *s, long t)
{
    const double pi = 3.14159265358979323846;
    double T = (double)s->steps, rise = s->warmup * T;
    double rate = s->peak;

    if ((double)(t + 1) < rise)
        rate *= (double)(t + 1) / rise;
    if (s->cosine)
        rate *= (1 + cos(pi * (double)t / T)) / 2;
    if (s->fall > 0)
        rate *= pow(.1, (double)(t / s->fall));
    return rate;
}

double schedule_radius(const struct schedule *s, long t)
{
    double T = (double)s->steps, at = (double)t;
    double start = s->ramp_start * T, end = s->ramp_end * T;

    if (at < start)
        return 0;
    if (at >= end)
        return s->radius;
    return s->radius * (at - start) / (end - start);
}
