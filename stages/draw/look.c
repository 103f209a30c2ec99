#include "draw/look.h"

#include "larder/banned.h"

/* The two ends of ColorBrewer's Set3 and what lies between. */
const struct look series_look[LOOKS] = {
    { MARK_CIRCLE, HATCH_NONE, { .553, .827, .780 }, { .25, .58, .53 } },
    { MARK_SQUARE, HATCH_RISING, { .745, .729, .855 }, { .45, .42, .62 } },
    { MARK_TRIANGLE, HATCH_CROSSED, { 1, .929, .435 }, { .808, .702, .004 } },
    { MARK_DIAMOND, HATCH_LEVEL, { .984, .502, .447 }, { .75, .27, .22 } },
};
