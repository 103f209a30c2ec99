#include "kit/number.h"

#include <errno.h>
#include <math.h>

#include "larder/banned.h"

enum number_outcome number_long(const char *text, long *x)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    size_t n = strspn(digits, "0123456789");

    if (n == 0 || digits[n] != '\0')
        return NUMBER_NOT;
    errno = 0;
    *x = strtol(text, NULL, 10);
    return errno == ERANGE ? NUMBER_RANGE : NUMBER_OK;
}

enum number_outcome number_double(const char *text, double *x)
{
    char *end;

    /* The set of characters keeps out what strtod would take besides: spaces,
     * hexadecimal, "inf" and "nan". */
    if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0')
        return NUMBER_NOT;
    *x = strtod(text, &end);
    if (end == text || *end != '\0')
        return NUMBER_NOT;
    return isfinite(*x) ? NUMBER_OK : NUMBER_RANGE;
}
