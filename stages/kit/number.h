/*
 * number - numbers from text, strictly: the whole text, decimal, no spaces, no locale.
 */
#ifndef KIT_NUMBER_H
#define KIT_NUMBER_H

enum number_outcome {
    NUMBER_OK,
    NUMBER_NOT,   /* the text is no such number */
    NUMBER_RANGE, /* it is one, but the type cannot hold it */
};

/* Digits with an optional minus in front. */
enum number_outcome number_long(const char *text, long *x);
/* A decimal number, perhaps with an exponent; never infinite, never NaN. */
enum number_outcome number_double(const char *text, double *x);

#endif
